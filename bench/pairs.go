package main

import (
	"strings"
	"time"
)

const warm = 300 * time.Millisecond

// A row compares one of our targets with a control.
type row struct {
	name    string
	ours    target
	control func() (float64, error) // one measurement of what an answer costs
	goal    float64                 // the ratio to reach; 0: none
}

// names of the rows that need more than a control.
const (
	opaqueSQLite   = "client credentials, opaque / 1.3 opaque + write"
	opaquePostgres = "client credentials, opaque / the same, PostgreSQL"
	writeSQLite    = "durable write, 16 at a time"
	writePostgres  = "durable write, 16 at a time, PostgreSQL"
	million        = "memory after a million tokens"
)

// pairs measures what has a control.
func (b *bench) pairs() error {
	control, upstream, err := b.controls()
	if err != nil {
		return err
	}
	g, err := b.machine("empty", "", upstream)
	if err != nil {
		return err
	}
	if err := g.serve(); err != nil {
		return err
	}
	rows, err := b.rows(g, control)
	if err != nil {
		return err
	}
	for _, r := range rows {
		if wanted(r.name) {
			if err := b.measure(r); err != nil {
				return err
			}
		}
	}
	if wanted(opaqueSQLite, writeSQLite) {
		if err := b.opaque(opaqueSQLite, writeSQLite, "sqlite:"+b.folder+"/durable.db", g, control); err != nil {
			return err
		}
	}
	if wanted(opaquePostgres, writePostgres) {
		if err := b.opaquePostgres(upstream, control); err != nil {
			return err
		}
	}
	if wanted(million) {
		return b.million(g)
	}
	return nil
}

// rows are what is compared with the control alone.
func (b *bench) rows(g *grantway, control plain) ([]row, error) {
	token, err := g.token()
	if err != nil {
		return nil, err
	}
	beside := func(request []byte) func() (float64, error) {
		t := control.target(request)
		return t.cost
	}
	asked := credentials(g.client, g.secret) + "&token=" + token
	issue := func(name, path, scope string) row {
		return row{name, g.target(g.ask(scope)), beside(askPlain(control, path)), 1}
	}
	return []row{
		issue("client credentials, ES256 / es256", "/es256", "es"),
		issue("client credentials, EdDSA / eddsa", "/eddsa", "ed"),
		{"client credentials, a token given again / opaque", g.target(g.ask("ag")), beside(askPlain(control, "/opaque")), 1.3},
		{
			"introspection, JWT / hello", g.target(post(g.address, "/oauth2/introspect", asked)),
			beside(post(control.address, "/hello", asked)), 1.6,
		},
		{
			"gateway, JWT seen before / ReverseProxy", g.target(get(g.address, "/data", "Authorization: Bearer "+token)),
			beside(get(control.address, "/proxy")), 1.15,
		},
	}, nil
}

// askPlain is the request for a token as the control understands it.
func askPlain(control plain, path string) []byte {
	return post(control.address, path, credentials("bench", "secret")+"&grant_type=client_credentials&scope="+strings.TrimPrefix(path, "/"))
}

// measure measures the two by turns.
func (b *bench) measure(r row) error {
	var ours, beside []float64
	for round := range *rounds {
		bar(r.name, round, *rounds)
		c, err := r.control()
		if err != nil {
			return err
		}
		mine, err := r.ours.cost()
		if err != nil {
			return err
		}
		ours, beside = append(ours, mine), append(beside, c)
	}
	unit := "µs"
	if *instructions {
		unit = "k instructions"
	}
	b.report.add(compared(r.name, unit, r.goal, ours, beside))
	return nil
}

// cost is what one answer costs the server: CPU time in µs, or instructions in
// thousands.
func (t *target) cost() (float64, error) {
	if !*instructions {
		return t.micros()
	}
	m, err := t.measure(connections, warm, *window)
	return float64(m.instructions) / float64(max(m.good, 1)) / 1000, err
}

// micros is one measurement: the server's CPU time for one answer, in µs.
func (t *target) micros() (float64, error) {
	m, err := t.measure(connections, warm, *window)
	if err != nil {
		return 0, err
	}
	return m.micros(), nil
}

// million issues tokens until there were a million, and looks at the memory.
func (b *bench) million(g *grantway) error {
	const all = 1_000_000
	t := g.target(g.ask("ed"))
	for issued := 0; issued < all; {
		bar(million, issued, all)
		m, err := t.measure(connections, 0, 2*time.Second)
		if err != nil {
			return err
		}
		issued += int(m.good)
	}
	b.report.add(alone(million, "MiB", 80, mebibytes(residentMemory(g.process.Process.Pid))))
	return nil
}

func mebibytes(bytes int64) float64 { return float64(bytes) / (1 << 20) }
