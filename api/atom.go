package api

import (
	"cmp"
	"context"
	"crypto/sha1"
	"encoding/xml"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/tagwatch/tagwatch/domain/plain"
	"github.com/tagwatch/tagwatch/operations"
)

const atomType = "application/atom+xml"

// isAtom reports that a request is one of a feed reader.
func isAtom(r *http.Request) bool { return r.URL.Path == prefix+operations.AtomPath }

// atomRequest is a request with the token, which admit has taken out.
type atomRequest struct {
	operations.AtomRequest
	Token string `query:"token" maxLength:"100" doc:"A token of the scope feed, for feed readers that send no headers. No other token is accepted here."`
}

// atom serves the last notifications as a feed.
//
// Specification: https://www.rfc-editor.org/rfc/rfc4287
func atom() route {
	described := describe(operations.ReadAtom)
	described.Responses = map[string]*huma.Response{"200": {Description: "An Atom feed with up to 50 entries.",
		Content: map[string]*huma.MediaType{atomType: {Schema: &huma.Schema{Type: huma.TypeString}}}}}
	return route{Operation: described, register: func(s *server, api huma.API) {
		served := described
		served.Middlewares = huma.Middlewares{s.allowed(operations.ReadAtom.Name, operations.ReadAtom.Admit)}
		huma.Register(api, served, func(ctx context.Context, in *atomRequest) (*huma.StreamResponse, error) {
			list, err := operations.ReadAtom.Run(ctx, s.system(ctx), in.AtomRequest)
			if err != nil {
				return nil, s.problemOf(ctx, operations.ReadAtom.Name, err)
			}
			text, err := xml.Marshal(feedOf(in.AtomRequest, list.Notifications))
			if err != nil {
				return nil, s.problemOf(ctx, operations.ReadAtom.Name, err)
			}
			return &huma.StreamResponse{Body: func(with huma.Context) {
				_, w := humago.Unwrap(with)
				w.Header().Set("Content-Type", atomType)
				_, _ = w.Write(append([]byte(xml.Header), text...)) // the client has gone
			}}, nil
		})
	}}
}

type atomFeed struct {
	XMLName xml.Name    `xml:"http://www.w3.org/2005/Atom feed"`
	ID      string      `xml:"id"`
	Title   string      `xml:"title"`
	Updated string      `xml:"updated"`
	Author  string      `xml:"author>name"`
	Self    atomLink    `xml:"link"`
	Entries []atomEntry `xml:"entry"`
}

type atomLink struct {
	Rel  string `xml:"rel,attr"`
	Href string `xml:"href,attr"`
}

type atomEntry struct {
	ID       string       `xml:"id"`
	Title    string       `xml:"title"`
	Updated  string       `xml:"updated"`
	Category atomCategory `xml:"category"`
	Content  string       `xml:"content"`
}

type atomCategory struct {
	Term string `xml:"term,attr"`
}

// feedOf is stable: without new notifications, it is the same again.
func feedOf(request operations.AtomRequest, notifications []operations.Notification) atomFeed {
	about := cmp.Or(request.Ref, request.Repository)
	query := url.Values{}
	for name, value := range map[string]string{"ref": request.Ref, "platform": request.Platform, "repository": request.Repository} {
		if value != "" {
			query.Set(name, value)
		}
	}
	address := prefix + operations.AtomPath
	if len(query) > 0 {
		address += "?" + query.Encode()
	}
	feed := atomFeed{ID: identifier(address), Title: plain.Text("Tagwatch: " + cmp.Or(about, "all tags")), Updated: stamp(time.Unix(0, 0)), Author: "Tagwatch", Self: atomLink{"self", address}}
	if len(notifications) > 0 {
		feed.Updated = stamp(notifications[0].Created)
	}
	for _, n := range notifications {
		feed.Entries = append(feed.Entries, atomEntry{ID: identifier(n.ID), Title: plain.Text(n.Summary), Updated: stamp(n.Created), Category: atomCategory{string(n.Type)},
			Content: plain.Text(fmt.Sprintf("%s of %s: %s", n.Type, n.Subject, n.Summary))})
	}
	return feed
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// identifier is a UUID made from a name, as an IRI.
//
// Specification: https://www.rfc-editor.org/rfc/rfc9562#name-uuid-version-5
func identifier(name string) string {
	sum := sha1.Sum([]byte("tagwatch\x00" + name))
	id := sum[:16]
	id[6], id[8] = id[6]&0x0f|0x50, id[8]&0x3f|0x80
	return fmt.Sprintf("urn:uuid:%x-%x-%x-%x-%x", id[:4], id[4:6], id[6:8], id[8:10], id[10:])
}
