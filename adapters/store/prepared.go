package store

import (
	"context"
	"database/sql/driver"

	lru "github.com/hashicorp/golang-lru/v2"
)

// preparing connects so that each connection keeps the statements it has run: PostgreSQL
// parses and plans them once, which for most of them takes longer than to run them.
type preparing struct{ driver.Connector }

const (
	// preparedStatements is how many a connection keeps: more than there are in frequent use.
	preparedStatements = 100
	// preparedParameters bounds the parameters of those that are kept. Statements with more
	// are made for many rows, and differ with their number.
	preparedParameters = 24
)

// postgresConn is what the driver's connections are.
type postgresConn interface {
	driver.Conn
	driver.ConnBeginTx
	driver.ConnPrepareContext
	driver.ExecerContext
	driver.NamedValueChecker
	driver.Pinger
	driver.QueryerContext
	driver.SessionResetter
	driver.Validator
}

// preparedStatement is what the driver's statements are.
type preparedStatement interface {
	driver.Stmt
	driver.StmtExecContext
	driver.StmtQueryContext
}

type preparingConn struct {
	postgresConn
	statements *lru.Cache[string, preparedStatement]
}

// Connect opens a connection.
func (p preparing) Connect(ctx context.Context) (driver.Conn, error) {
	opened, err := p.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	// A statement that cannot be closed is on a connection that is broken, and is gone with it.
	statements, err := lru.NewWithEvict(preparedStatements, func(_ string, s preparedStatement) { _ = s.Close() })
	return preparingConn{opened.(postgresConn), statements}, err
}

// statement is nil for a text that is not worth it.
func (c preparingConn) statement(ctx context.Context, text string, args []driver.NamedValue) (preparedStatement, error) {
	if len(args) == 0 || len(args) > preparedParameters {
		return nil, nil
	}
	if kept, known := c.statements.Get(text); known {
		return kept, nil
	}
	made, err := c.PrepareContext(ctx, text)
	if err != nil {
		return nil, err
	}
	kept := made.(preparedStatement)
	c.statements.Add(text, kept)
	return kept, nil
}

// QueryContext runs a statement that returns rows.
func (c preparingConn) QueryContext(ctx context.Context, text string, args []driver.NamedValue) (driver.Rows, error) {
	kept, err := c.statement(ctx, text, args)
	if err != nil {
		return nil, err
	}
	if kept == nil {
		return c.postgresConn.QueryContext(ctx, text, args)
	}
	return kept.QueryContext(ctx, args)
}

// ExecContext runs a statement that returns none.
func (c preparingConn) ExecContext(ctx context.Context, text string, args []driver.NamedValue) (driver.Result, error) {
	kept, err := c.statement(ctx, text, args)
	if err != nil {
		return nil, err
	}
	if kept == nil {
		return c.postgresConn.ExecContext(ctx, text, args)
	}
	return kept.ExecContext(ctx, args)
}
