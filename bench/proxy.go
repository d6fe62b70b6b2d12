package main

import (
	"fmt"
	"os"
	"path/filepath"
)

// injected is a call through `grantway proxy --inject` with a token that is at hand.
const injected = "proxy, token injected / ReverseProxy"

// proxy measures a call that gets its token beside one that needs none.
func (b *bench) proxy() error {
	if !wanted(injected) {
		return nil
	}
	control, upstream, err := b.controls()
	if err != nil {
		return err
	}
	free, err := freeAddresses(1)
	if err != nil {
		return err
	}
	secret, file := filepath.Join(b.folder, "proxy.secret"), filepath.Join(b.folder, "proxy.yaml")
	text := fmt.Sprintf(`
inject: true
listen: %q
api: http://%s
client: {token_url: "http://%s/es256", id: bench, secret: "file:%s", auth: body}
routes: [GET /data]
`, free[0], upstream, control.address, secret)
	for path, content := range map[string]string{secret: "secret", file: text} {
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			return err
		}
	}
	p, err := b.launch("proxy", "grantway", "proxy", "--config", file)
	if err != nil {
		return err
	}
	if err := reachable(free[0]); err != nil {
		return err
	}
	beside := control.target(get(control.address, "/proxy"))
	return b.measure(row{
		injected,
		target{name: "proxy", pid: p.Process.Pid, address: free[0], request: get(free[0], "/data")},
		beside.cost, 1.15,
	})
}
