package matcher

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/tagwatch/tagwatch/domain/vuln"
)

// layout has to be raised when a digest reads other columns or hashes them in
// another way: sums of two layouts are not comparable.
const layout = 1

// Digest reads every row of the build that matching may check and adds up their
// hashes by the names they are found under. No hash includes row ids, which differ
// between builds of the same data, nor EPSS scores and end-of-life dates, on which
// no finding depends.
func (d *Database) Digest(ctx context.Context) (*vuln.Sums, error) {
	return read(ctx, d, func(reader *reader) (*vuln.Sums, error) {
		db, err := reader.GetDB().DB()
		if err != nil {
			return nil, fmt.Errorf("digest vulnerability database: %w", err)
		}
		digest := newDigest(table{ctx: ctx, db: db})
		if err := digest.run(); err != nil {
			return nil, fmt.Errorf("digest vulnerability database: %w", err)
		}
		return digest.sums, nil
	})
}

// digest is one reading of a build. Maps are by row id.
type digest struct {
	table
	sums     *vuln.Sums
	blobs    map[int64]hash
	records  map[int64]hash // what matching checks of a vulnerability's record
	systems  map[int64]hash
	packages map[int64]found
	products map[int64]found
}

func newDigest(t table) *digest {
	return &digest{
		table: t, sums: vuln.NewSums(layout),
		blobs: map[int64]hash{}, records: map[int64]hash{}, systems: map[int64]hash{},
		packages: map[int64]found{}, products: map[int64]found{},
	}
}

// found is a row that others are found by.
type found struct {
	hash hash
	key  vuln.SumKey
}

func (d *digest) run() error {
	for _, step := range []func() error{
		d.readGlobal, d.readBlobs, d.readSystems, d.readPackages, d.readProducts, d.readRecords,
		d.readPackageRows, d.readProductRows, d.readLinks, d.readDecorations,
	} {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

// readGlobal covers what any package may depend on.
func (d *digest) readGlobal() error {
	for kind, query := range []string{
		"SELECT 0, model, revision, addition FROM db_metadata",
		"SELECT 0, name, release_id, major_version, minor_version, label_version, codename, channel FROM operating_systems",
		`SELECT 0, alias, version, version_pattern, codename, channel, replacement, replacement_major_version,
			replacement_minor_version, replacement_label_version, replacement_channel, rolling, applicable_client_db_schemas
			FROM operating_system_specifier_overrides`,
		"SELECT 0, ecosystem, replacement_ecosystem FROM package_specifier_overrides",
		"SELECT 0, alias, canonical FROM architecture_aliases",
	} {
		err := d.texts(query, func(_ int64, fields []sql.RawBytes) {
			d.sums.AddGlobal(hashTexts(globalRow+rowKind(kind), fields).sum())
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (d *digest) readBlobs() error {
	return d.texts("SELECT id, value FROM blobs", func(id int64, fields []sql.RawBytes) {
		d.blobs[id] = hashTexts(blobRow, fields)
	})
}

func (d *digest) readSystems() error {
	const query = "SELECT id, name, release_id, major_version, minor_version, label_version, codename, channel FROM operating_systems"
	return d.texts(query, func(id int64, fields []sql.RawBytes) {
		d.systems[id] = hashTexts(systemRow, fields)
	})
}

func (d *digest) readPackages() error {
	return d.texts("SELECT id, ecosystem, name FROM packages", func(id int64, fields []sql.RawBytes) {
		d.packages[id] = found{hashTexts(packageRow, fields), vuln.NameKey(string(fields[1]))}
	})
}

func (d *digest) readProducts() error {
	const query = `SELECT id, product, part, vendor, edition, language, software_edition, target_hardware, target_software, other FROM cpes`
	return d.texts(query, func(id int64, fields []sql.RawBytes) {
		d.products[id] = found{hashTexts(productRow, fields), vuln.ProductKey(string(fields[0]))}
	})
}

// readRecords adds each record under its id, whole, and keeps what decides about
// matches: whose it is, its status and its aliases. A record that is suppressed
// through an alias has no finding that would refer to it.
func (d *digest) readRecords() error {
	aliases := map[string]vuln.Sum{}
	err := d.texts("SELECT 0, name, alias FROM vulnerability_aliases", func(_ int64, fields []sql.RawBytes) {
		name := string(fields[0])
		aliases[name] = aliases[name].Plus(hashTexts(aliasRow, fields).sum())
	})
	if err != nil {
		return err
	}
	const query = `SELECT id, blob_id, name, provider_id, status, published_date, modified_date, withdrawn_date FROM vulnerability_handles`
	return d.texts(query, func(id int64, fields []sql.RawBytes) {
		name := string(fields[1])
		decisive := hashTexts(recordRow, fields[1:4])
		d.records[id] = hashParts(recordRow, decisive, hashOf(aliases[name]))
		whole := hashParts(recordRow, hashTexts(recordRow, fields[1:]), d.blobs[number(fields[0])])
		d.sums.Add(vuln.RefKey(name), whole.sum())
	})
}

func (d *digest) readPackageRows() error {
	for kind, name := range handleTables("package") {
		query := "SELECT vulnerability_id, coalesce(operating_system_id, 0), coalesce(package_id, 0), coalesce(blob_id, 0) FROM " + name
		err := d.numbers(query, func(v []int64) {
			of := d.packages[v[2]]
			row := hashParts(kind, d.records[v[0]], d.systems[v[1]], of.hash, d.blobs[v[3]])
			d.sums.Add(of.key, row.sum())
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (d *digest) readProductRows() error {
	for kind, name := range handleTables("cpe") {
		query := "SELECT vulnerability_id, coalesce(cpe_id, 0), coalesce(blob_id, 0) FROM " + name
		err := d.numbers(query, func(v []int64) {
			of := d.products[v[1]]
			row := hashParts(kind, d.records[v[0]], of.hash, d.blobs[v[2]])
			d.sums.Add(of.key, row.sum())
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// handleTables are the tables of affected and of unaffected rows.
func handleTables(of string) map[rowKind]string {
	return map[rowKind]string{
		affectedRow:   "affected_" + of + "_handles",
		unaffectedRow: "unaffected_" + of + "_handles",
	}
}

// readLinks adds the CPEs of each package, under both names.
func (d *digest) readLinks() error {
	return d.numbers("SELECT package_id, cpe_id FROM package_cpes", func(v []int64) {
		linked, product := d.packages[v[0]], d.products[v[1]]
		row := hashParts(linkRow, linked.hash, product.hash).sum()
		d.sums.Add(linked.key, row)
		d.sums.Add(product.key, row)
	})
}

// readDecorations adds known exploitation and weaknesses under the CVE's id.
func (d *digest) readDecorations() error {
	err := d.texts("SELECT coalesce(blob_id, 0), cve FROM known_exploited_vulnerability_handles", func(blob int64, fields []sql.RawBytes) {
		row := hashParts(exploitRow, hashTexts(exploitRow, fields), d.blobs[blob])
		d.sums.Add(vuln.RefKey(string(fields[0])), row.sum())
	})
	if err != nil {
		return err
	}
	return d.texts("SELECT 0, cve, cwe, source, type FROM cwe_handles", func(_ int64, fields []sql.RawBytes) {
		d.sums.Add(vuln.RefKey(string(fields[0])), hashTexts(weaknessRow, fields).sum())
	})
}
