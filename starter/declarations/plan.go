package declarations

import (
	"fmt"
	"io"

	"github.com/tagwatch/tagwatch/domain/declaration"
	"github.com/tagwatch/tagwatch/domain/wording"
	"github.com/tagwatch/tagwatch/starter/output"
	"github.com/tagwatch/tagwatch/starter/session"
)

// signs are what each action begins with.
var signs = map[declaration.Action]string{declaration.Create: "+", declaration.Update: "~", declaration.Adopt: "~", declaration.Delete: "-", declaration.LeftAlone: "!"}

var styles = map[declaration.Action]output.Style{declaration.Delete: output.Bad, declaration.Update: output.Doubtful, declaration.Adopt: output.Doubtful}

func writePlan(s *session.Session, w io.Writer, plan declaration.Plan) {
	for _, c := range plan.Changes {
		if c.Action == declaration.Unchanged {
			continue
		}
		remark := map[declaration.Action]string{declaration.Adopt: " (adopted: it was made by hand)", declaration.LeftAlone: " (made by hand, left alone; take it with --adopt)"}[c.Action]
		fmt.Fprintln(w, output.Paint(w, styles[c.Action], fmt.Sprintf("%s %s %s%s", signs[c.Action], c.Kind, output.OneLine(c.Name), remark)))
		if c.Action == declaration.LeftAlone {
			continue
		}
		for _, f := range c.Fields {
			fmt.Fprintf(w, "    %s\n", output.OneLine(fieldLine(f)))
		}
	}
	if plan.Empty() {
		fmt.Fprintf(w, "Nothing to change: %s as declared\n", wording.Count(plan.Count(declaration.Unchanged), "thing"))
		return
	}
	fmt.Fprintf(w, "Plan: %d to create, %d to change, %d to adopt, %d to delete, %d unchanged\n", plan.Count(declaration.Create), plan.Count(declaration.Update),
		plan.Count(declaration.Adopt), plan.Count(declaration.Delete), plan.Count(declaration.Unchanged))
}

func fieldLine(f declaration.FieldChange) string {
	switch {
	case f.Before == "":
		return fmt.Sprintf("+ %s: %s", f.Field, f.After)
	case f.After == "":
		return fmt.Sprintf("- %s: %s", f.Field, f.Before)
	}
	return fmt.Sprintf("~ %s: %s -> %s", f.Field, f.Before, f.After)
}
