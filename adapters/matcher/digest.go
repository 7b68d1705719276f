package matcher

import (
	"context"
	"database/sql/driver"
	"fmt"
	"sync"

	"github.com/tagwatch/tagwatch/domain/vuln"
)

// layout has to be raised when a digest reads other columns or hashes them in
// another way: sums of two layouts are not comparable.
const layout = 2

// Digest reads every row of the build that matching may check, once and on all cores,
// and adds up their hashes by the names they are found under. No hash includes row ids,
// which differ between builds of the same data, nor EPSS scores and end-of-life dates,
// on which no finding depends. It keeps 16 bytes for a row that others refer to, and 24
// for a name.
func (d *Database) Digest(ctx context.Context) (*vuln.Sums, error) {
	return use(d, func() (*vuln.Sums, error) {
		digest := &digest{Database: d, ctx: ctx, sums: vuln.NewSums(layout)}
		if err := digest.run(); err != nil {
			return nil, fmt.Errorf("digest vulnerability database: %w", err)
		}
		return digest.sums, nil
	})
}

// digest is one reading of a build.
type digest struct {
	*Database
	ctx      context.Context
	mu       sync.Mutex // of sums and aliases
	sums     *vuln.Sums
	aliases  map[vuln.SumKey]vuln.Sum // of records, by their ids
	blobs    byRow[hash]
	records  byRow[hash] // what matching checks of a vulnerability's record
	systems  byRow[hash]
	packages byRow[found]
	products byRow[found]
}

// found is a row that others are found by.
type found struct {
	hash hash
	key  vuln.SumKey
}

func (d *digest) run() error {
	for _, step := range []func() error{
		d.readGlobal, d.readBlobs, d.readSystems, d.readPackages, d.readProducts, d.readAliases, d.readRecords,
		d.readPackageRows, d.readProductRows, d.readLinks, d.readDecorations,
	} {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

// keep reads a table of rows that others refer to.
func keep[T any](d *digest, columns, table string, into *byRow[T], of func([]driver.Value) T) error {
	return d.scan(d.ctx, "rowid, "+columns, table, into.grow, func() (func([]driver.Value), func()) {
		return func(fields []driver.Value) { into.set(number(fields[0]), of(fields[1:])) }, func() {}
	})
}

// add reads a table of rows that are added to sums, each under any number of keys.
func (d *digest) add(columns, table string, to func(fields []driver.Value, add func(vuln.SumKey, hash))) error {
	return d.addTo(columns, table, func(int64) {}, d.sums.Add, to)
}

// addTo lets others go on reading while the rows of a page are added.
func (d *digest) addTo(columns, table string, prepare func(last int64), sum func(vuln.SumKey, vuln.Sum), to func(fields []driver.Value, add func(vuln.SumKey, hash))) error {
	return d.scan(d.ctx, columns, table, prepare, func() (func([]driver.Value), func()) {
		var page []found
		add := func(key vuln.SumKey, row hash) { page = append(page, found{row, key}) }
		return func(fields []driver.Value) { to(fields, add) }, func() {
			d.mu.Lock()
			defer d.mu.Unlock()
			for _, row := range page {
				sum(row.key, row.hash.sum())
			}
		}
	})
}

// addBy reads a table with most of the rows, each about a row of another table. They
// are added up by its id, and under its key only at the end.
func (d *digest) addBy(about *byRow[found], columns, table string, to func(fields []driver.Value) (id int64, row hash)) error {
	type statement struct {
		about int64
		row   hash
	}
	totals := byRow[vuln.Sum]{pages: make([]*[rowPage]vuln.Sum, len(about.pages))}
	err := d.scan(d.ctx, columns, table, func(int64) {}, func() (func([]driver.Value), func()) {
		var page []statement
		return func(fields []driver.Value) {
				id, row := to(fields)
				if id/rowPage >= int64(len(totals.pages)) {
					id = 0 // the other row is missing
				}
				page = append(page, statement{id, row})
			}, func() {
				d.mu.Lock()
				defer d.mu.Unlock()
				for _, each := range page {
					totals.set(each.about, totals.get(each.about).Plus(each.row.sum()))
				}
			}
	})
	for id, total := range totals.all() {
		if total != (vuln.Sum{}) {
			d.sums.Add(about.get(id).key, total)
		}
	}
	return err
}

// readGlobal covers what any package may depend on.
func (d *digest) readGlobal() error {
	global := func(_ vuln.SumKey, row vuln.Sum) { d.sums.AddGlobal(row) }
	for kind, each := range []struct{ table, columns string }{
		{"db_metadata", "model, revision, addition"},
		{"operating_systems", "name, release_id, major_version, minor_version, label_version, codename, channel"},
		{"operating_system_specifier_overrides", `alias, version, version_pattern, codename, channel, replacement, replacement_major_version,
			replacement_minor_version, replacement_label_version, replacement_channel, rolling, applicable_client_db_schemas`},
		{"package_specifier_overrides", "ecosystem, replacement_ecosystem"},
		{"architecture_aliases", "alias, canonical"},
	} {
		err := d.addTo(each.columns, each.table, func(int64) {}, global, func(fields []driver.Value, add func(vuln.SumKey, hash)) {
			add(0, hashFields(globalRow+rowKind(kind), fields))
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (d *digest) readBlobs() error {
	return keep(d, plain("value"), "blobs", &d.blobs, func(fields []driver.Value) hash { return hashFields(blobRow, fields) })
}

func (d *digest) readSystems() error {
	const columns = "name, release_id, major_version, minor_version, label_version, codename, channel"
	return keep(d, columns, "operating_systems", &d.systems, func(fields []driver.Value) hash { return hashFields(systemRow, fields) })
}

func (d *digest) readPackages() error {
	return keep(d, "ecosystem, name", "packages", &d.packages, func(fields []driver.Value) found {
		return found{hashFields(packageRow, fields), vuln.NameKey(text(fields[1]))}
	})
}

func (d *digest) readProducts() error {
	const columns = "product, part, vendor, edition, language, software_edition, target_hardware, target_software, other"
	return keep(d, columns, "cpes", &d.products, func(fields []driver.Value) found {
		return found{hashFields(productRow, fields), vuln.ProductKey(text(fields[0]))}
	})
}

func (d *digest) readAliases() error {
	d.aliases = map[vuln.SumKey]vuln.Sum{}
	sum := func(record vuln.SumKey, row vuln.Sum) { d.aliases[record] = d.aliases[record].Plus(row) }
	return d.addTo("name, alias", "vulnerability_aliases", func(int64) {}, sum, func(fields []driver.Value, add func(vuln.SumKey, hash)) {
		add(vuln.RefKey(text(fields[0])), hashFields(aliasRow, fields))
	})
}

// readRecords adds each record under its id, whole, and keeps what decides about
// matches: whose it is, its status and its aliases. A record that is suppressed
// through an alias has no finding that would refer to it.
func (d *digest) readRecords() error {
	columns := packed("rowid", "blob_id") + ", " + plain("name") + ", " + plain("provider_id || '|' || status") + ", " +
		plain("coalesce(published_date, '') || '|' || coalesce(modified_date, '') || '|' || coalesce(withdrawn_date, '')")
	return d.addTo(columns, "vulnerability_handles", d.records.grow, d.sums.Add, func(fields []driver.Value, add func(vuln.SumKey, hash)) {
		id, blob := pair(fields[0])
		key := vuln.RefKey(text(fields[1]))
		d.records.set(id, hashParts(recordRow, hashFields(recordRow, fields[1:3]), hashOf(d.aliases[key])))
		add(key, hashParts(recordRow, hashFields(recordRow, fields[1:]), d.blobs.get(blob)))
	})
}

func (d *digest) readPackageRows() error {
	columns := packed("vulnerability_id", "package_id") + ", " + packed("operating_system_id", "blob_id")
	for kind, table := range handleTables("package") {
		err := d.addBy(&d.packages, columns, table, func(fields []driver.Value) (int64, hash) {
			record, named := pair(fields[0])
			system, blob := pair(fields[1])
			return named, hashParts(kind, d.records.get(record), d.systems.get(system), d.packages.get(named).hash, d.blobs.get(blob))
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (d *digest) readProductRows() error {
	columns := "vulnerability_id, " + packed("cpe_id", "blob_id")
	for kind, table := range handleTables("cpe") {
		err := d.addBy(&d.products, columns, table, func(fields []driver.Value) (int64, hash) {
			product, blob := pair(fields[1])
			return product, hashParts(kind, d.records.get(number(fields[0])), d.products.get(product).hash, d.blobs.get(blob))
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
	return d.add(packed("package_id", "cpe_id"), "package_cpes", func(fields []driver.Value, add func(vuln.SumKey, hash)) {
		a, b := pair(fields[0])
		linked, product := d.packages.get(a), d.products.get(b)
		row := hashParts(linkRow, linked.hash, product.hash)
		add(linked.key, row)
		add(product.key, row)
	})
}

// readDecorations adds known exploitation and weaknesses under the CVE's id.
func (d *digest) readDecorations() error {
	err := d.add("blob_id, cve", "known_exploited_vulnerability_handles", func(fields []driver.Value, add func(vuln.SumKey, hash)) {
		add(vuln.RefKey(text(fields[1])), hashParts(exploitRow, hashFields(exploitRow, fields[1:]), d.blobs.get(number(fields[0]))))
	})
	if err != nil {
		return err
	}
	columns := plain("cve") + ", " + plain("cwe || '|' || coalesce(source, '') || '|' || coalesce(type, '')")
	return d.add(columns, "cwe_handles", func(fields []driver.Value, add func(vuln.SumKey, hash)) {
		add(vuln.RefKey(text(fields[0])), hashFields(weaknessRow, fields))
	})
}
