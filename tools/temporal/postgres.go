package main

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"go.temporal.io/server/common/config"
	"go.temporal.io/server/common/log"
	_ "go.temporal.io/server/common/persistence/sql/sqlplugin/postgresql" // registers the plugin
	"go.temporal.io/server/tools/common/schema"
	"go.temporal.io/server/tools/sql"
)

// postgresPlugin is Temporal's name of PostgreSQL 12 and later, by the driver that prepares each statement once: the other has
// each execution parsed and planned anew, which takes longer than the execution.
const postgresPlugin = "postgres12_pgx"

// postgresConnections bound the pool of each service; there are four, and two databases.
const postgresConnections = 10

// openPostgres creates the two databases and their tables if they are missing, and updates older tables.
func openPostgres(address string) (*store, error) {
	main, err := postgresConfig(address)
	if err != nil {
		return nil, err
	}
	visibility := *main
	visibility.DatabaseName += "_visibility"
	for database, folder := range map[*config.SQL]string{main: "temporal", &visibility: "visibility"} {
		if err := preparePostgres(database, folder); err != nil {
			return nil, fmt.Errorf("prepare database %s: %w", database.DatabaseName, err)
		}
	}
	return &store{sql: main, visibility: &visibility}, nil
}

// postgresConfig reads postgres://user:password@host:port/database, whose parameters are those of the driver.
func postgresConfig(address string) (*config.SQL, error) {
	parsed, err := url.Parse(address)
	if err != nil || parsed.Scheme != "postgres" && parsed.Scheme != "postgresql" {
		return nil, errors.New("--postgres: not of the form postgres://user:password@host:port/database")
	}
	password, _ := parsed.User.Password()
	cfg := &config.SQL{
		PluginName: postgresPlugin, User: parsed.User.Username(), Password: password, ConnectAddr: parsed.Host,
		DatabaseName: strings.TrimPrefix(parsed.Path, "/"), ConnectAttributes: map[string]string{},
		MaxConns: postgresConnections, MaxIdleConns: postgresConnections, MaxConnLifetime: time.Hour,
	}
	for name, values := range parsed.Query() {
		cfg.ConnectAttributes[name] = values[len(values)-1]
	}
	if cfg.User == "" { // which the driver also takes as a parameter
		cfg.User = cfg.ConnectAttributes["user"]
	}
	if cfg.DatabaseName == "" {
		cfg.DatabaseName = "temporal"
	}
	return cfg, nil
}

func preparePostgres(database *config.SQL, folder string) error {
	if err := createPostgres(*database); err != nil {
		return err
	}
	connection, err := sql.NewConnection(database, log.NewNoopLogger())
	if err != nil {
		return err
	}
	defer connection.Close()
	tables, err := connection.ListTables()
	if err != nil {
		return err
	}
	if !slices.Contains(tables, "schema_version") {
		setup := schema.NewSetupSchemaTask(connection, &schema.SetupConfig{InitialVersion: "0.0"}, log.NewNoopLogger())
		if err := setup.Run(); err != nil {
			return fmt.Errorf("set up the schema: %w", err)
		}
	}
	update := schema.NewUpdateSchemaTask(connection, &schema.UpdateConfig{DBName: database.DatabaseName, SchemaName: "postgresql/v12/" + folder}, log.NewNoopLogger())
	if err := update.Run(); err != nil {
		return fmt.Errorf("update the schema: %w", err)
	}
	return nil
}

// createPostgres creates the database unless it exists.
func createPostgres(database config.SQL) error {
	if exists(database) {
		return nil
	}
	return sql.DoCreateDatabase(&database, "postgres", log.NewNoopLogger())
}

func exists(database config.SQL) bool {
	connection, err := sql.NewConnection(&database, log.NewNoopLogger())
	if err != nil {
		return false
	}
	defer connection.Close()
	_, err = connection.ListTables()
	return err == nil
}
