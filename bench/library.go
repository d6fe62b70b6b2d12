package main

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
)

const (
	seen  = "resource, token seen before"
	newES = "resource, new ES256 token / raw check"
)

// line is one result of `go test -bench`.
var line = regexp.MustCompile(`(?m)^Benchmark(\S+?)(?:-\d+)?\s+\d+\s+([\d.]+) ns/op(?:\s+\d+ B/op\s+(\d+) allocs/op)?`)

// library measures package resource by its own benchmarks.
func (b *bench) library() error {
	if !wanted(seen, newES) {
		return nil
	}
	program := filepath.Join(b.folder, "resource.test")
	if out, err := exec.Command("go", "test", "-c", "-o", program, "./resource").CombinedOutput(); err != nil {
		return fmt.Errorf("build the tests of ./resource: %w\n%s", err, out)
	}
	times, allocations := map[string][]float64{}, map[string][]float64{}
	var out []byte
	for round := range *rounds { // and not -count, which would not take turns
		bar("benchmarks of ./resource", round, *rounds)
		c := exec.Command(program, "-test.run", "^$", "-test.bench", "^BenchmarkCheck(Seen|NewES256)$/^(function|raw|check)$",
			"-test.benchtime", window.String())
		c.Dir = "resource"
		var err error
		if out, err = c.CombinedOutput(); err != nil {
			return fmt.Errorf("benchmarks of ./resource: %w\n%s", err, out)
		}
		for _, m := range line.FindAllStringSubmatch(string(out), -1) {
			ns, _ := strconv.ParseFloat(m[2], 64)
			times[m[1]] = append(times[m[1]], ns)
			if m[3] != "" {
				n, _ := strconv.ParseFloat(m[3], 64)
				allocations[m[1]] = append(allocations[m[1]], n)
			}
		}
	}
	warm, fresh, raw := times["CheckSeen/function"], times["CheckNewES256/check"], times["CheckNewES256/raw"]
	if len(warm) == 0 || len(fresh) == 0 || len(fresh) != len(raw) {
		return fmt.Errorf("the benchmarks of ./resource have other names than before:\n%s", strings.TrimSpace(string(out)))
	}
	b.report.add(alone(seen, "ns", 1000, warm...))
	b.report.add(alone("  "+seen+": allocations", "", 0, allocations["CheckSeen/function"]...))
	for i := range fresh {
		fresh[i], raw[i] = fresh[i]/1000, raw[i]/1000
	}
	b.report.add(compared(newES, "µs", 1.1, fresh, raw))
	return nil
}
