package sqlstore

import (
	"context"
	"errors"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

const (
	poolSize    = 20
	lendWithin  = time.Second // a connection of the pool
	dialWithin  = time.Second
	serverLimit = "2000" // milliseconds for one statement
	lockLimit   = "1000" // milliseconds for one lock
)

// pools are the pools of this process by dsn, without the schema. It is the one
// thing that stores share: a pool for each schema would exhaust the server.
var pools = struct {
	sync.Mutex
	open map[string]*sharedPool
}{open: map[string]*sharedPool{}}

// A sharedPool is closed when the last store leaves it.
type sharedPool struct {
	*pgxpool.Pool
	dsn   string
	users int // under pools
}

func sharePool(ctx context.Context, dsn string) (*sharedPool, error) {
	pools.Lock()
	defer pools.Unlock()
	if p := pools.open[dsn]; p != nil {
		p.users++
		return p, nil
	}
	config, err := pgxpool.ParseConfig(dsn)
	if err != nil {
		// The parser's own words can repeat parts of the dsn, and so a password.
		return nil, errors.New("the postgres:// address of the store is malformed")
	}
	if !strings.Contains(dsn, "pool_max_conns") {
		config.MaxConns = poolSize
	}
	if !strings.Contains(dsn, "connect_timeout") {
		config.ConnConfig.ConnectTimeout = dialWithin
	}
	config.PingTimeout = lendWithin
	for name, value := range map[string]string{
		"application_name":                    "grantway",
		"statement_timeout":                   serverLimit,
		"lock_timeout":                        lockLimit,
		"idle_in_transaction_session_timeout": "5000",
		"synchronous_commit":                  "on", // whatever the server's default: what is acknowledged is durable
	} {
		if _, set := config.ConnConfig.RuntimeParams[name]; !set {
			config.ConnConfig.RuntimeParams[name] = value
		}
	}
	g := &gate{}
	config.BeforeConnect = func(context.Context, *pgx.ConnConfig) error { return g.enter(time.Now()) }
	config.AfterConnect = func(context.Context, *pgx.Conn) error { g.open(); return nil }
	pool, err := pgxpool.NewWithConfig(context.WithoutCancel(ctx), config)
	if err != nil {
		return nil, unavailable(err)
	}
	p := &sharedPool{Pool: pool, dsn: dsn, users: 1}
	pools.open[dsn] = p
	return p, nil
}

func (p *sharedPool) leave() {
	pools.Lock()
	defer pools.Unlock()
	p.users--
	if p.users == 0 {
		delete(pools.open, p.dsn)
		p.Close()
	}
}

func (p *postgresSchema) acquire(ctx context.Context) (*pgxpool.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, lendWithin)
	defer cancel()
	conn, err := p.pool.Acquire(ctx)
	return conn, unavailable(err)
}

// A gate keeps a database that does not answer from finding, when it wakes, a
// queue of everybody who tried meanwhile: PostgreSQL answers each before it sees
// that nobody waits. The zero value is ready for use.
type gate struct {
	mu     sync.Mutex
	silent int       // connections begun since one was answered
	next   time.Time // when another may be begun
}

// dialEvery is how often a silent database is tried.
const dialEvery = 500 * time.Millisecond

var errSilent = errors.New("the database has not answered for a while, and is tried twice a second")

// enter lets as many begin as the pool has connections, and then one at a time.
func (g *gate) enter(now time.Time) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.silent++; g.silent <= poolSize {
		return nil
	}
	if now.Before(g.next) {
		return errSilent
	}
	g.next = now.Add(dialEvery)
	return nil
}

func (g *gate) open() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.silent = 0
}
