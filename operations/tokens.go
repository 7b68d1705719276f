package operations

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/token"
)

// CreateToken makes a token.
var CreateToken = Operation[TokenRequest, NewToken]{Name: "create-token", Summary: "Create a token",
	Method: http.MethodPost, Path: "/tokens", Scope: token.Admin, Whole: true, Creates: true, Secret: true, do: createToken}

// TokenRequest describes a new token.
type TokenRequest struct {
	Name     string          `json:"name" minLength:"1" maxLength:"63" doc:"Name, to tell it from others." example:"ci"`
	Scope    token.Scope     `json:"scope" maxLength:"20" doc:"What it allows: feed, read, act or admin." example:"read"`
	Subjects []image.Pattern `json:"subjects,omitempty" maxItems:"50" doc:"Patterns of the tags that it is limited to, such as ghcr.io/web/*; all by default."`
	Expires  time.Time       `json:"expires,omitzero" doc:"When it expires; never by default."`
}

// Token is what is known of a token.
type Token struct {
	Name     string          `json:"name"`
	Scope    token.Scope     `json:"scope"`
	Subjects []image.Pattern `json:"subjects"`
	Created  time.Time       `json:"created"`
	Expires  time.Time       `json:"expires,omitzero"`
	Expired  bool            `json:"expired"`
}

// NewToken is a token with its text.
type NewToken struct {
	Token
	// Text is the secret. It is not stored and cannot be shown again.
	Text string `json:"token" doc:"The token itself. It is shown only now."`
	// Warnings are about subjects that are valid, but probably not meant.
	Warnings []string `json:"warnings,omitempty"`
}

func createToken(ctx context.Context, s *System, request TokenRequest) (NewToken, error) {
	if err := oneOf("scope", token.Scopes, request.Scope); err != nil {
		return NewToken{}, err
	}
	made, text, err := token.New(request.Name, request.Scope, request.Subjects, s.Now, request.Expires)
	if err != nil {
		return NewToken{}, refused(err)
	}
	kept, err := s.Store(ctx)
	if err != nil {
		return NewToken{}, err
	}
	warnings, err := unmatched(ctx, kept, request.Subjects)
	if err != nil {
		return NewToken{}, err
	}
	err = kept.SaveToken(ctx, made)
	if errors.Is(err, errkind.Conflict) {
		err = &Refusal{Kind: errkind.Conflict, Text: fmt.Sprintf("there is a token named %s already", made.Name), Hint: "choose another name, or run: tagwatch token revoke " + made.Name}
	}
	if err != nil {
		return NewToken{}, err
	}
	return NewToken{s.tokenOf(made), text, warnings}, nil
}

// ListTokens lists the tokens, by name.
var ListTokens = Operation[TokensRequest, TokenList]{Name: "list-tokens", Summary: "List the tokens",
	Method: http.MethodGet, Path: "/tokens", Scope: token.Admin, Whole: true, do: listTokens}

// TokensRequest asks for a page of the tokens.
type TokensRequest struct {
	Page
}

// TokenList is a page of tokens.
type TokenList struct {
	Tokens []Token `json:"tokens"`
	Next   string  `json:"next,omitempty" doc:"Cursor of the next page; missing on the last one."`
}

func listTokens(ctx context.Context, s *System, request TokensRequest) (TokenList, error) {
	list := TokenList{Tokens: []Token{}}
	kept, err := s.Store(ctx)
	if err != nil {
		return list, err
	}
	tokens, err := kept.Tokens(ctx)
	if err != nil {
		return list, err
	}
	tokens, list.Next, err = partByName(request.Page, tokens, func(t token.Token) string { return t.Name })
	for _, t := range tokens {
		list.Tokens = append(list.Tokens, s.tokenOf(t))
	}
	return list, err
}

func (s *System) tokenOf(t token.Token) Token {
	return Token{Name: t.Name, Scope: t.Scope, Subjects: append([]image.Pattern{}, t.Bounds...), Created: t.Created, Expires: t.Expires, Expired: t.Expired(s.Now)}
}

// RevokeToken ends a token at once.
var RevokeToken = Operation[RevokeRequest, Revoked]{Name: "revoke-token", Summary: "Revoke a token",
	Method: http.MethodDelete, Path: "/tokens/{name}", Scope: token.Admin, Whole: true, do: revokeToken}

// RevokeRequest names a token.
type RevokeRequest struct {
	Name string `path:"name" maxLength:"63" doc:"Name of the token." example:"ci"`
}

// Revoked is a token that ended.
type Revoked struct {
	Name string `json:"name"`
}

func revokeToken(ctx context.Context, s *System, request RevokeRequest) (Revoked, error) {
	kept, err := s.Store(ctx)
	if err != nil {
		return Revoked{}, err
	}
	err = kept.DeleteToken(ctx, request.Name, s.Now)
	if errors.Is(err, errkind.NotFound) {
		err = notFound("see: tagwatch token list", "token %q not found", request.Name)
	}
	return Revoked(request), err
}
