package store_test

import (
	"errors"
	"reflect"
	"testing"
	"time"

	"github.com/tagwatch/tagwatch/adapters/store"
	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/token"
)

func TestTokens(t *testing.T) {
	each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		bounded, _, err := token.New("web", token.Act, token.Bounds{"ghcr.io/web/*", "ghcr.io/shop/*:1.*"}, at(0), at(60))
		if err != nil {
			t.Fatal(err)
		}
		whole, _, err := token.New("Ops", token.Admin, nil, at(1), time.Time{})
		if err != nil {
			t.Fatal(err)
		}
		for _, made := range []token.Token{bounded, whole} {
			if err := s.SaveToken(ctx, made); err != nil {
				t.Fatal(err)
			}
			if got, err := s.Token(ctx, made.ID); err != nil || !reflect.DeepEqual(got, made) {
				t.Errorf("read %+v, %v, want %+v", got, err, made)
			}
			if err := s.SaveToken(ctx, made); !errors.Is(err, errkind.Conflict) {
				t.Errorf("saved twice: %v", err)
			}
		}
		if got, err := s.Tokens(ctx); err != nil || !reflect.DeepEqual(got, []token.Token{whole, bounded}) {
			t.Errorf("listed %+v, %v", got, err)
		}
		if err := s.DeleteToken(ctx, "web", at(9)); err != nil {
			t.Error(err)
		}
		if err := s.DeleteToken(ctx, "web", at(9)); !errors.Is(err, errkind.NotFound) {
			t.Errorf("deleted twice: %v", err)
		}
		if left, err := s.TokensLeft(ctx, []string{bounded.ID, whole.ID, "none"}); err != nil || !reflect.DeepEqual(left, []string{whole.ID}) {
			t.Errorf("left are %q, %v", left, err)
		}
		if _, err := s.Token(ctx, bounded.ID); !errors.Is(err, errkind.NotFound) {
			t.Errorf("after its deletion: %v", err)
		}
	})
}
