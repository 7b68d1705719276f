#!/usr/bin/env bash
# chart.sh VERSION DIRECTORY [REPOSITORY]: packages the Helm chart with a version for
# itself and the image, and the repository of the image, and prints the path of the
# package. One commit gives the same bytes each time, which "helm package" does not.
set -euo pipefail
version=${1#v} directory=$(cd "$2" && pwd) repository=${3:-}
cd "$(dirname "$0")/.."

staged=$(mktemp -d)
trap 'rm -rf "$staged"' EXIT
cp --recursive --dereference deploy/helm/tagwatch "$staged/tagwatch"

# set_line FILE PATTERN LINE replaces the one line that matches.
set_line() {
  [ "$(grep -c "$2" "$staged/tagwatch/$1")" = 1 ] || { echo "deploy/helm/tagwatch/$1 has not one line $2" >&2; exit 1; }
  sed -i "s|$2.*|$3|" "$staged/tagwatch/$1"
}
set_line Chart.yaml '^version: ' "version: $version"
set_line Chart.yaml '^appVersion: ' "appVersion: \"$version\""
[ -z "$repository" ] || set_line values.yaml '^  repository: ' "  repository: $repository"

package=$directory/tagwatch-$version.tgz
tar --create --directory "$staged" --sort=name --format=ustar --mtime="@${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct)}" \
  --owner=0 --group=0 --numeric-owner --mode='u=rwX,go=rX' --exclude=.helmignore tagwatch | gzip --no-name --best >"$package"
echo "$package"
