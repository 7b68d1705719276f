{{- define "tagwatch.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride -}}
{{- else if contains .Chart.Name .Release.Name -}}
{{- .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name .Chart.Name | trunc 40 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{/* Labels of everything but what is for trying out: dict root, component. */}}
{{- define "tagwatch.labels" -}}
{{ include "tagwatch.selector" . }}
{{ include "tagwatch.version" .root }}
{{ include "tagwatch.origin" .root }}
{{- end -}}

{{- define "tagwatch.version" -}}
app.kubernetes.io/version: {{ regexReplaceAll "[^A-Za-z0-9._-].*" (.Values.image.tag | default .Chart.AppVersion) "" | trunc 63 | quote }}
{{- end -}}

{{- define "tagwatch.origin" -}}
app.kubernetes.io/part-of: tagwatch
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 }}
{{- end -}}

{{/* Labels that select the workers, or those of one component: dict root, component. */}}
{{- define "tagwatch.selector" -}}
app.kubernetes.io/name: tagwatch
app.kubernetes.io/instance: {{ .root.Release.Name }}
{{- with .component }}
app.kubernetes.io/component: {{ . }}
{{- end }}
{{- end -}}

{{/* Labels that select what is for trying out: dict root, name. */}}
{{- define "tagwatch.trialSelector" -}}
app.kubernetes.io/name: {{ .name }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
{{- end -}}

{{- define "tagwatch.trialLabels" -}}
{{ include "tagwatch.trialSelector" . }}
{{ include "tagwatch.origin" .root }}
{{- end -}}

{{- define "tagwatch.image" -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end -}}

{{- define "tagwatch.postgresqlSecret" -}}
{{ .Values.postgresql.existingSecret | default (printf "%s-postgresql" (include "tagwatch.fullname" .)) }}
{{- end -}}

{{/* Adds the keys of one map to another one, also in the maps within: dict into, from. */}}
{{- define "tagwatch.overlay" -}}
{{- range $key, $value := .from -}}
{{- $old := index $.into $key -}}
{{- if and (kindIs "map" $value) (kindIs "map" $old) -}}
{{- include "tagwatch.overlay" (dict "into" $old "from" $value) -}}
{{- else -}}
{{- $_ := set $.into $key $value -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* The security context of every container. */}}
{{- define "tagwatch.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: { drop: [ALL] }
{{- end -}}

{{/* The security context of a pod: the number of its user and group. */}}
{{- define "tagwatch.podSecurity" -}}
runAsNonRoot: true
runAsUser: {{ . }}
runAsGroup: {{ . }}
fsGroup: {{ . }}
seccompProfile: { type: RuntimeDefault }
{{- end -}}
