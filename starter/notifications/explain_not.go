package notifications

import (
	"context"
	"io"
	"slices"

	"github.com/tagwatch/tagwatch/domain/notification"
	"github.com/tagwatch/tagwatch/domain/wording"
	"github.com/tagwatch/tagwatch/operations"
	"github.com/tagwatch/tagwatch/starter/exit"
	"github.com/tagwatch/tagwatch/starter/output"
	"github.com/tagwatch/tagwatch/starter/session"
)

func explainNot(ctx context.Context, s *session.Session) error {
	t := notification.Type(s.String("not"))
	if !slices.Contains(operations.Subscribable, t) {
		return exit.Usage("invalid value %q for --not: expected one of %s", t, wording.List(operations.Subscribable))
	}
	name := "REF"
	if t == notification.RepoUpdate {
		name = "REPOSITORY"
	}
	ref, err := s.Argument(name)
	if err != nil {
		return err
	}
	silence, err := operations.ExplainSilence.Run(ctx, s.System(), operations.SilenceRequest{Type: t, Ref: ref, Platform: s.String("platform"),
		Endpoint: s.String("endpoint"), Since: s.Now.Add(-s.Duration("since"))})
	if err != nil {
		return err
	}
	return s.Show(silence, func(w io.Writer) { writeSilent(s, w, silence) })
}

func writeSilent(s *session.Session, w io.Writer, v operations.Silence) {
	if len(v.Now)+len(v.Past) == 0 {
		s.Say("Nothing keeps %s about %s from being sent, and no decision within %s dropped one; see: tagwatch status %s",
			v.Type, v.Subject, s.Duration("since"), v.Subject)
		return
	}
	t := output.NewTable("TIME", "ENDPOINT", "REASON", "DETAIL", "REMEDY").Drop("DETAIL")
	for _, r := range slices.Concat(v.Now, v.Past) {
		when, style, endpoint := "now", output.Doubtful, r.Endpoint
		if !r.At.IsZero() {
			when, style = output.Stamp(r.At), output.Ordinary
		}
		if endpoint == "" {
			endpoint = "all"
		}
		t.Row(style, when, endpoint, string(r.Reason), output.Dash(r.Detail), output.Dash(r.Remedy))
	}
	t.Write(w)
}
