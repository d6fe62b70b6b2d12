package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// A target is one request, sent again and again over keep-alive connections.
type target struct {
	name    string
	pid     int // of the server, whose CPU time is read
	address string
	request []byte
	talk    func() talk // for each connection; nil: request, again and again
}

// A talk returns the request that follows an answer, nil before the first.
type talk func(answer []byte) ([]byte, error)

// A measured is how a server did.
type measured struct {
	cpu          time.Duration // user and system, for all of it
	instructions uint64        // of the processor; 0 where they are not asked for
	good         int64         // answers
	elapsed      time.Duration
}

func (m *measured) micros() float64 {
	return float64(m.cpu) / float64(m.good) / float64(time.Microsecond)
}

func (m *measured) rate() float64 { return float64(m.good) / m.elapsed.Seconds() }

func post(address, path, body string, headers ...string) []byte {
	return fmt.Appendf(nil, "POST %s HTTP/1.1\r\nHost: %s\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: %d\r\n%s\r\n%s",
		path, address, len(body), lines(headers), body)
}

func get(address, path string, headers ...string) []byte {
	return fmt.Appendf(nil, "GET %s HTTP/1.1\r\nHost: %s\r\n%s\r\n", path, address, lines(headers))
}

func lines(headers []string) string {
	var b strings.Builder
	for _, h := range headers {
		b.WriteString(h + "\r\n")
	}
	return b.String()
}

// measure loads the target for a while. An answer that is not good is an error: a
// figure with failures is none.
func (t *target) measure(connections int, warm, window time.Duration) (m measured, err error) {
	var counted, bad atomic.Int64
	var sample atomic.Value
	var stop atomic.Bool
	var all sync.WaitGroup
	for range connections {
		all.Go(func() {
			if err := t.repeat(&counted, &bad, &sample, &stop); err != nil {
				bad.Add(1)
				sample.Store(err.Error())
			}
		})
	}
	time.Sleep(warm)
	var c counter
	if *instructions {
		if c, err = count(t.pid); err != nil {
			return m, err
		}
		defer c.close()
	}
	began, at, before := counted.Load(), time.Now(), cpuTime(t.pid)
	time.Sleep(window)
	m.cpu, m.good, m.elapsed = cpuTime(t.pid)-before, counted.Load()-began, time.Since(at)
	m.instructions, err = c.soFar()
	stop.Store(true)
	all.Wait()
	if err != nil {
		return m, err
	}
	if n := bad.Load(); n > 0 || m.good == 0 {
		return m, fmt.Errorf("%s: %d requests failed, such as: %v", t.name, n, sample.Load())
	}
	return m, nil
}

func (t *target) repeat(counted, bad *atomic.Int64, sample *atomic.Value, stop *atomic.Bool) error {
	c, err := t.dial()
	if err != nil {
		return err
	}
	defer c.Close()
	r := bufio.NewReaderSize(c, 16<<10)
	var body bytes.Buffer
	request := t.request
	var next talk
	if t.talk != nil {
		next = t.talk()
		if request, err = next(nil); err != nil {
			return err
		}
	}
	for !stop.Load() {
		if _, err := c.Write(request); err != nil {
			return err
		}
		status, err := readAnswer(r, &body)
		if err != nil {
			return err
		}
		if status != 200 {
			bad.Add(1)
			sample.Store(fmt.Sprintf("%d %.200s", status, body.String()))
			return nil
		}
		counted.Add(1)
		if next != nil {
			if request, err = next(body.Bytes()); err != nil {
				return err
			}
		}
	}
	return nil
}

// once sends one request and returns the answer.
func (t *target) once(request []byte) ([]byte, error) {
	c, err := t.dial()
	if err != nil {
		return nil, err
	}
	defer c.Close()
	if _, err := c.Write(request); err != nil {
		return nil, err
	}
	var body bytes.Buffer
	status, err := readAnswer(bufio.NewReader(c), &body)
	if err == nil && status != 200 {
		err = fmt.Errorf("%d %s", status, body.String())
	}
	return body.Bytes(), err
}

// readAnswer reads one answer that says its length, which all of ours do.
func readAnswer(r *bufio.Reader, body *bytes.Buffer) (status int, err error) {
	body.Reset()
	line, err := r.ReadSlice('\n')
	if err != nil || len(line) < 12 {
		return 0, fmt.Errorf("no status line: %w", err)
	}
	if status, err = strconv.Atoi(string(line[9:12])); err != nil {
		return 0, err
	}
	length := 0
	for {
		line, err := r.ReadSlice('\n')
		if err != nil {
			return 0, err
		}
		if len(line) <= 2 {
			break
		}
		if name, value, ok := bytes.Cut(line, []byte(":")); ok && bytes.EqualFold(name, []byte("Content-Length")) {
			if length, err = strconv.Atoi(string(bytes.TrimSpace(value))); err != nil {
				return 0, err
			}
		}
	}
	for range length {
		b, err := r.ReadByte()
		if err != nil {
			return 0, err
		}
		body.WriteByte(b)
	}
	return status, nil
}

// cpuTime is what a process has used, user and system.
func cpuTime(pid int) time.Duration {
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return 0
	}
	fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+2:]))
	user, _ := strconv.ParseInt(fields[11], 10, 64)
	system, _ := strconv.ParseInt(fields[12], 10, 64)
	return time.Duration(user+system) * 10 * time.Millisecond // the kernel counts in hundredths
}

// residentMemory is what a process holds of the machine's memory, in bytes.
func residentMemory(pid int) int64 {
	status, _ := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/status")
	for line := range strings.Lines(string(status)) {
		if rest, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			kilobytes, _ := strconv.ParseInt(strings.Fields(rest)[0], 10, 64)
			return kilobytes << 10
		}
	}
	return 0
}

func (t *target) dial() (net.Conn, error) { return net.Dial("tcp", t.address) }

// accessToken reads a token answer.
func (t *target) accessToken(r *bufio.Reader) (string, error) {
	var body bytes.Buffer
	status, err := readAnswer(r, &body)
	if err != nil {
		return "", err
	}
	var made struct {
		Token string `json:"access_token"`
	}
	if err := json.Unmarshal(body.Bytes(), &made); err != nil || status != 200 {
		return "", fmt.Errorf("no token: %d %s", status, body.String())
	}
	return made.Token, nil
}
