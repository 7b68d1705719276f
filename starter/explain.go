package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/tagwatch/tagwatch/adapters/store"
	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/event"
)

func explainCommand() *cli.Command {
	return &cli.Command{
		Name: "explain", Category: categoryNotified,
		Usage:     "say why a notification was sent, and on what evidence",
		UsageText: "tagwatch explain NOTIFICATION",
		Description: `NOTIFICATION is the id in the body that was received (dataId), or as much of its
beginning as tagwatch notifications and tagwatch deliveries show.

   tagwatch explain 2f6c4a0e
   tagwatch explain 2f6c4a0e-7d0b-5f44-9a3b-0f0f2d3f6a10
   tagwatch explain 2f6c4a0e-7d0b-5f44-9a3b-0f0f2d3f6a10 -o json`,
		Flags:  []cli.Flag{outputFlag()},
		Action: action(explain),
	}
}

// explainView is an explanation for programs.
type explainView struct {
	ID      string      `json:"id"`
	Type    event.Type  `json:"type"`
	Subject string      `json:"subject"`
	Created time.Time   `json:"created"`
	Cause   event.Cause `json:"cause,omitempty"`
	Summary string      `json:"summary"`
	event.Explanation
	Deliveries []deliveryView `json:"deliveries"`
}

func explain(ctx context.Context, s *session) error {
	id, err := s.argument("NOTIFICATION")
	if err != nil {
		return err
	}
	kept, err := s.store(ctx)
	if err != nil {
		return err
	}
	n, err := s.notification(ctx, id)
	if err != nil {
		return err
	}
	explanation, err := event.Explain(n.Notification)
	if err != nil {
		return err
	}
	view := explainView{ID: n.ID, Type: n.Type, Subject: n.Subject, Created: n.Created, Cause: n.Cause, Summary: n.Summary,
		Explanation: explanation, Deliveries: []deliveryView{}}
	found, err := kept.Deliveries(ctx, store.DeliveryFilter{Notification: n.ID})
	if err != nil {
		return err
	}
	for _, d := range found {
		delivery, err := s.deliveryView(ctx, d)
		if err != nil {
			return err
		}
		view.Deliveries = append(view.Deliveries, delivery)
	}
	return s.show(view, func(w io.Writer) { s.writeExplained(w, view) })
}

// notification is the one of an id, or of the beginning of one.
func (s *session) notification(ctx context.Context, id string) (store.StoredNotification, error) {
	n, err := s.stored.Notification(ctx, id)
	switch {
	case errors.Is(err, errkind.NotFound):
		return n, refused("there is no notification %q; see: tagwatch notifications", id)
	case errors.Is(err, errkind.Conflict):
		return n, refused("notification %q: %s; give more of it", id, errkind.Text(err))
	}
	return n, err
}

func (s *session) writeExplained(w io.Writer, v explainView) {
	var p pairs
	p.add("Notification", v.ID)
	p.add("Type", string(v.Type))
	p.add("About", v.Subject)
	p.add("Notified", s.when(v.Created))
	p.add("Summary", v.Summary)
	p.add("Because", v.Reason)
	p.write(w)
	if len(v.Evidence) > 0 {
		fmt.Fprintln(w)
		writeEvidence(w, v.Evidence)
	}
	if len(v.Details) > 0 {
		fmt.Fprintln(w)
	}
	for _, line := range v.Details {
		fmt.Fprintln(w, oneLine(line))
	}
	if len(v.Deliveries) > 0 {
		fmt.Fprintln(w)
		s.writeDeliveries(w, v.Deliveries)
	}
}

func writeEvidence(w io.Writer, facts []event.Fact) {
	t := newTable("EVIDENCE", "NOW", "BEFORE")
	for _, f := range facts {
		style, before := ordinary, dash(f.Before)
		if f.Changed() {
			style = doubtful
		} else if f.Before != "" {
			before = "the same"
		}
		t.row(style, f.Name, dash(f.Now), before)
	}
	t.write(w)
}
