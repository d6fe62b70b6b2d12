package resource

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/grantway/grantway/internal/jose"
)

// Times of the reader. They are real time, whatever the clock of the checks is.
const (
	firstWord   = 5 * time.Second  // for a stream to bring anything: some proxies collect it
	silence     = 15 * time.Second // of a stream that worked: three beats
	onePoll     = 10 * time.Second
	pollEvery   = 750 * time.Millisecond
	pollFor     = 10 * time.Minute // then a stream is tried again
	shortPause  = 100 * time.Millisecond
	longPause   = 5 * time.Second
	keysFor     = 10 * time.Minute // a copy of the key set
	keysAtMost  = 5 * time.Second  // between two fetches because of an unknown key
	continueFor = time.Minute      // after a longer break everything is asked for anew
	maxLine     = 20 << 10         // bytes of a line of a stream: a message has 16 KiB
)

// A reader is what Run remembers from one request to the next.
type reader struct {
	keys   []jose.PublicKey
	keySet []byte // as it was fetched
	keysAt time.Time
	last   time.Time // a message was taken
	resync bool      // what follows does not continue what is known: ask for everything

	history history
}

// errStatus: the server answered something else than the feed.
var errStatus = errors.New("resource: the feed was refused")

// Run listens to the server until the context ends, and returns why it ended. A
// stream that breaks is opened again; where streams do not get through, it asks
// more than once a second. What goes wrong is said by Status and tried again. Call it once.
func (f *Feed) Run(ctx context.Context) error {
	defer f.streaming(false)
	pause := shortPause
	for ctx.Err() == nil {
		began := time.Now()
		good, err := f.stream(ctx)
		f.streaming(false)
		if !good {
			good = f.pollOn(ctx, err)
		}
		if good && time.Since(began) > longPause {
			pause = shortPause
		}
		if !sleep(ctx, jitter(pause)) {
			break
		}
		pause = min(2*pause, longPause)
		if good {
			pause = min(pause, pollEvery)
		}
	}
	if err := f.save(); err != nil {
		return errors.Join(ctx.Err(), err)
	}
	return ctx.Err()
}

// stream reads one stream until it ends. good says that it brought a message.
func (f *Feed) stream(ctx context.Context) (good bool, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	quiet := time.AfterFunc(firstWord, cancel)
	defer quiet.Stop()
	response, err := f.ask(ctx, "text/event-stream")
	if err != nil {
		return false, err
	}
	defer response.Body.Close()
	if kind := response.Header.Get("Content-Type"); !strings.HasPrefix(kind, "text/event-stream") {
		return false, fmt.Errorf("%w: not a stream", errStatus)
	}
	lines := bufio.NewReaderSize(response.Body, maxLine)
	for {
		line, err := lines.ReadSlice('\n')
		if err != nil {
			return good, fmt.Errorf("resource: the stream of the feed ended: %w", err)
		}
		text, ok := bytes.CutPrefix(line, []byte("data:"))
		if !ok {
			continue
		}
		err = f.hear(ctx, string(bytes.TrimSpace(text)))
		if err == nil {
			good = true
			f.streaming(true)
			quiet.Reset(silence)
		}
		if f.reading.resync && f.reading.history.pending == nil {
			return good, err
		}
	}
}

// pollOn asks for one message at a time, for as long as that works and until a
// stream is worth another attempt. good says that it worked.
func (f *Feed) pollOn(ctx context.Context, why error) (good bool) {
	until := time.Now().Add(pollFor)
	for time.Now().Before(until) && ctx.Err() == nil {
		if err := f.poll(ctx); err != nil {
			if !good {
				err = errors.Join(why, err)
			}
			f.trouble(err)
			return good
		}
		good = true
		if !sleep(ctx, pollEvery) {
			break
		}
	}
	return good
}

func (f *Feed) poll(ctx context.Context) error {
	for again := true; again; {
		text, err := f.pollOnce(ctx)
		if err != nil {
			return err
		}
		if err := f.hear(ctx, text); err != nil {
			return err
		}
		again = f.reading.history.more
	}
	return nil
}

func (f *Feed) pollOnce(ctx context.Context) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, onePoll)
	defer cancel()
	response, err := f.ask(ctx, "application/jwt")
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(io.LimitReader(response.Body, maxLine))
	return strings.TrimSpace(string(text)), err
}

// ask asks for what was not heard yet.
func (f *Feed) ask(ctx context.Context, accept string) (*http.Response, error) {
	r := &f.reading
	if time.Since(r.keysAt) > keysFor {
		if err := f.fetchKeys(ctx); err != nil {
			return nil, err
		}
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, f.config.URL, nil)
	if err != nil {
		return nil, err
	}
	request.Header.Set("Accept", accept)
	request.SetBasicAuth(url.QueryEscape(f.config.ClientID), url.QueryEscape(f.config.ClientSecret)) // RFC 6749 §2.3.1
	if !r.resync && time.Since(r.last) < continueFor {
		f.mu.RLock()
		request.Header.Set("Last-Event-ID", strconv.FormatInt(f.position, 10))
		f.mu.RUnlock()
	}
	return f.do(request)
}

func (f *Feed) do(request *http.Request) (*http.Response, error) {
	response, err := f.client.Do(request)
	if err != nil {
		return nil, fmt.Errorf("resource: ask for the feed: %w", err)
	}
	if response.StatusCode != http.StatusOK {
		response.Body.Close()
		return nil, fmt.Errorf("%w: %s", errStatus, response.Status)
	}
	return response, nil
}

// fetchKeys reads the key set of the feed. It is believed because of TLS.
func (f *Feed) fetchKeys(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, onePoll)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, f.config.KeysURL, nil)
	if err != nil {
		return err
	}
	response, err := f.do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	set, err := io.ReadAll(io.LimitReader(response.Body, 256<<10+1)) // jose refuses the one byte more
	if err != nil {
		return fmt.Errorf("resource: read the keys of the feed: %w", err)
	}
	keys, err := jose.ParseJWKSet(set)
	if err != nil {
		return fmt.Errorf("resource: read the keys of the feed: %w", err)
	}
	r := &f.reading
	if r.keySet != nil && !bytes.Equal(r.keySet, set) {
		// What is kept was signed under other keys: a new snapshot replaces it.
		r.resync, r.history.pending = true, nil
	}
	r.keys, r.keySet, r.keysAt = keys, set, time.Now()
	return nil
}

// hear takes one message. What is not to be believed is counted; the error says
// why, and what was known stays known.
func (f *Feed) hear(ctx context.Context, text string) error {
	r := &f.reading
	m, err := f.verify(text, r.keys)
	if errors.Is(err, errFeedKey) && time.Since(r.keysAt) > keysAtMost {
		if err := f.fetchKeys(ctx); err != nil {
			return err
		}
		m, err = f.verify(text, r.keys)
	}
	if err == nil {
		err = f.take(m)
	}
	if err != nil {
		if errors.Is(err, errGap) || errors.Is(err, errFeedKey) {
			r.resync, r.history.pending = true, nil
		}
		f.refused(err)
		return err
	}
	r.last = time.Now()
	if err := f.keep(m); err != nil {
		f.trouble(err) // it was taken all the same
	}
	return nil
}

func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// jitter is between half of d and d, so that those who were cut off together do
// not come again together.
func jitter(d time.Duration) time.Duration {
	var b [1]byte
	_, _ = rand.Read(b[:]) // it does not fail
	return d/2 + d/2*time.Duration(b[0])/255
}
