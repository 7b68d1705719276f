package e2e_test

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"
)

// vocabulary are the names and the enumerated values in a database, as
// "column target_state.status", "name finding.document/fix/state" and
// "value target_state.status fail".
type vocabulary map[string]bool

// changedWords are those that the current programs no longer write, but read, each with
// the version that wrote it last.
var changedWords = map[string]string{}

// freeText are columns and names whose values people or images choose.
var freeText = regexp.MustCompile(`\.(id|hash)$|audit\.(before|after|subject)|inventory|sbom|locations|artifacts|places|\.(name|owner|label|package|key|lookup|version|reason|description|message|text|summary|answer|note|repository|tag|subject)s?$|/(name|owner|label|package|version|reason|description|message|summary|repository|tag|subject|id)s?$`)

// enumerated is what a value of an enumeration looks like.
var enumerated = regexp.MustCompile(`^[A-Z]?[a-z]+(?:[A-Z][a-z]+)*(?:[_ .-][a-z]+){0,3}$`)

// fleeting are places whose content depends on what was under way at the end.
var fleeting = regexp.MustCompile(`^(target_state\.wake|host_limit\.state|endpoint\.state/(early|probe))`)

// without are the words that another vocabulary lacks, of one sort or of all.
func (v vocabulary) without(other vocabulary, sort string) []string {
	var missing []string
	for word := range v {
		if strings.HasPrefix(word, sort) && !other[word] && changedWords[word] == "" {
			missing = append(missing, word)
		}
	}
	slices.Sort(missing)
	return missing
}

// wordsOf reads the whole database of an installation that does not run.
func wordsOf(t *testing.T, dir, database string) vocabulary {
	t.Helper()
	db := openDatabase(t, dir, database)
	defer db.Close()
	names := `SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'`
	if database != "" {
		names = `SELECT tablename FROM pg_tables WHERE schemaname = 'public'`
	}
	v := vocabulary{}
	tables := made(db.QueryContext(t.Context(), names))(t)
	var all []string
	for tables.Next() {
		var table string
		must(t, tables.Scan(&table))
		all = append(all, table)
	}
	must(t, tables.Err())
	for _, table := range all {
		rows := made(db.QueryContext(t.Context(), `SELECT * FROM "`+table+`"`))(t)
		columns := made(rows.Columns())(t)
		for _, column := range columns {
			v["column "+table+"."+column] = true
		}
		for rows.Next() {
			values, targets := make([]any, len(columns)), make([]any, len(columns))
			for i := range values {
				targets[i] = &values[i]
			}
			must(t, rows.Scan(targets...))
			for i, value := range values {
				v.stored(table+"."+columns[i], value)
			}
		}
		must(t, rows.Err())
	}
	return v
}

// stored adds what is in a column: a word, JSON, or compressed JSON.
func (v vocabulary) stored(place string, value any) {
	text, ok := value.(string)
	if blob, is := value.([]byte); is {
		text, ok = string(blob), true
	}
	if !ok {
		return
	}
	if fleeting.MatchString(place) {
		return
	}
	if unpacked, err := decoder.DecodeAll([]byte(text), nil); err == nil && text != "" {
		text = string(unpacked)
	}
	var document any
	if strings.ContainsAny(text[:min(1, len(text))], "{[") && json.Unmarshal([]byte(text), &document) == nil {
		v.document(place, document)
		return
	}
	v.value(place, text)
}

var decoder, _ = zstd.NewReader(nil)

func (v vocabulary) document(place string, value any) {
	switch value := value.(type) {
	case map[string]any:
		for name, inner := range value {
			if !enumerated.MatchString(name) || freeText.MatchString(place) {
				name = "*" // a key that is data
			}
			if !fleeting.MatchString(place + "/" + name) {
				v[fmt.Sprintf("name %s/%s", place, name)] = true
			}
			v.document(place+"/"+name, inner)
		}
	case []any:
		for _, inner := range value {
			v.document(place, inner)
		}
	case string:
		v.value(place, value)
	}
}

func (v vocabulary) value(place, text string) {
	if enumerated.MatchString(text) && !freeText.MatchString(place) {
		v["value "+place+" "+text] = true
	}
}
