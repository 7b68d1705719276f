package page

import (
	"fmt"
	"strings"
	"time"

	"github.com/tagwatch/tagwatch/domain/vuln"
	"github.com/tagwatch/tagwatch/domain/watch"
)

// maxPoints is how many changes a chart shows; of more, the newest.
const maxPoints = 500

// line is a number over time, as the points of an SVG polyline in steps.
type line struct {
	Name, Class, Points string
	Now                 int
}

// chart is the vulnerability counts of a tag over time.
type chart struct {
	Width, Height  int
	Most           int
	From, To       time.Time
	Lines          []line
	Changes        []watch.CountsAt // newest first
	LabelX, LabelY int
}

const (
	chartWidth, chartHeight = 640, 160
	sparkWidth, sparkHeight = 96, 24
	margin                  = 4
	shownChanges            = 20
)

// series are the drawn numbers, the most severe last so that it is on top.
var series = []struct {
	name, class string
	of          func(vuln.Counts) int
}{
	{"Low", "low", func(c vuln.Counts) int { return c.Low }},
	{"Medium", "medium", func(c vuln.Counts) int { return c.Medium }},
	{"High", "high", func(c vuln.Counts) int { return c.High }},
	{"Critical", "critical", func(c vuln.Counts) int { return c.Critical }},
}

// newChart is nil without a history.
func newChart(history []watch.CountsAt, now time.Time) *chart {
	if len(history) == 0 {
		return nil
	}
	history = history[max(0, len(history)-maxPoints):]
	c := &chart{Width: chartWidth, Height: chartHeight, From: history[0].At, To: now, LabelX: chartWidth - margin, LabelY: chartHeight - margin}
	p := newPlot(history, now, chartWidth, chartHeight)
	c.Most = p.most
	for _, s := range series {
		c.Lines = append(c.Lines, line{Name: s.name, Class: s.class, Points: p.points(s.of), Now: s.of(history[len(history)-1].Counts)})
	}
	for i := len(history) - 1; i >= 0 && len(c.Changes) < shownChanges; i-- {
		c.Changes = append(c.Changes, history[i])
	}
	return c
}

// spark is the counts of a row: critical and high ones.
type spark struct {
	Width, Height int
	Text          string
	Lines         []line
}

// newSpark is nil where there is no change to show.
func newSpark(history []watch.CountsAt, now time.Time) *spark {
	if len(history) < 2 {
		return nil
	}
	history = history[max(0, len(history)-maxPoints):]
	first, last := history[0].Counts, history[len(history)-1].Counts
	p := newPlot(history, now, sparkWidth, sparkHeight)
	s := &spark{Width: sparkWidth, Height: sparkHeight,
		Text: fmt.Sprintf("Since %s: critical %d to %d, high %d to %d", history[0].At.UTC().Format(time.DateOnly), first.Critical, last.Critical, first.High, last.High)}
	for _, series := range series[2:] {
		s.Lines = append(s.Lines, line{Name: series.name, Class: series.class, Points: p.points(series.of)})
	}
	return s
}

// plot maps times and numbers to coordinates.
type plot struct {
	history       []watch.CountsAt
	now           time.Time
	width, height int
	most          int
}

func newPlot(history []watch.CountsAt, now time.Time, width, height int) plot {
	p := plot{history: history, now: now, width: width, height: height, most: 1}
	for _, point := range history {
		for _, s := range series {
			p.most = max(p.most, s.of(point.Counts))
		}
	}
	return p
}

// points has a step for each change and goes on until now.
func (p plot) points(of func(vuln.Counts) int) string {
	var text strings.Builder
	for i, point := range p.history {
		until := p.now
		if i+1 < len(p.history) {
			until = p.history[i+1].At
		}
		y := p.y(of(point.Counts))
		fmt.Fprintf(&text, "%.1f,%.1f %.1f,%.1f ", p.x(point.At), y, p.x(until), y)
	}
	return strings.TrimSpace(text.String())
}

func (p plot) x(t time.Time) float64 {
	all := p.now.Sub(p.history[0].At).Seconds()
	if all <= 0 {
		return margin
	}
	share := min(max(t.Sub(p.history[0].At).Seconds()/all, 0), 1)
	return margin + share*float64(p.width-2*margin)
}

func (p plot) y(n int) float64 {
	return float64(p.height-margin) - float64(n)/float64(p.most)*float64(p.height-2*margin)
}
