package portal

// A picture is a sequence of messages between parties, drawn on the server: time
// goes down, each party has a line. All of its words are in the text beside it too.
type picture struct {
	ID, Title     string
	Width, Height int // in the picture's own units, which are pixels at full size
	Parties       []party
	Bands         []band
	Messages      []message
}

// A party is somebody who sends and receives, at the top of a line.
type party struct {
	Name, At string // At is where it is found
	X, Left  int    // middle and left edge
	Wide     int
}

// A band is a stretch of time with a name, below a line.
type band struct {
	Name     string
	Y, TextY int
}

// A message goes from one line to another.
type message struct {
	Number        int
	Words         string
	X1, X2, Y     int
	Middle, TextY int // of the words, above the arrow
	NumberY       int
	Head          int // where the head of the arrow begins
	Above, Below  int
	Answers       bool // it goes back: its line is broken
}

// A turn is a message as it is told: between parties by their place.
type turn struct {
	from, to int
	band     string // a new band begins; empty: none
	short    string // in the picture
	long     text   // in the text
}

// Measures of a picture.
const (
	pictureColumn = 228
	pictureBox    = 196
	pictureStep   = 44
	pictureBand   = 36
)

// draw lays a picture out.
func draw(id, title string, parties []party, turns []turn) *picture {
	p := &picture{ID: id, Title: title, Width: pictureColumn * len(parties)}
	for i, one := range parties {
		one.X, one.Wide = pictureColumn*i+pictureColumn/2, pictureBox
		one.Left = one.X - pictureBox/2
		one.Name, one.At = shortened(one.Name, 22), shortened(one.At, 29)
		p.Parties = append(p.Parties, one)
	}
	y := 52
	for i, t := range turns {
		if t.band != "" {
			p.Bands = append(p.Bands, band{t.band, y + 20, y + 36})
			y += pictureBand
		}
		y += pictureStep
		m := message{
			Number: i + 1, Words: t.short, X1: p.Parties[t.from].X, X2: p.Parties[t.to].X, Y: y,
			TextY: y - 8, NumberY: y + 4, Above: y - 5, Below: y + 5, Answers: t.to < t.from,
		}
		m.Head = m.X2 - 8
		if m.Answers {
			m.Head = m.X2 + 8
		}
		m.Middle = (m.X1 + m.X2) / 2
		p.Messages = append(p.Messages, m)
	}
	p.Height = y + 28
	return p
}

// shortened is a text of at most so many characters; what was cut off is an ellipsis.
func shortened(s string, most int) string {
	if r := []rune(s); len(r) > most {
		return string(r[:most-1]) + "…"
	}
	return s
}

// Bottom is where the lines end.
func (p *picture) Bottom() int { return p.Height - 8 }
