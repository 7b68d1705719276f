package delivery_test

import (
	"testing"

	"github.com/tagwatch/tagwatch/domain/delivery"
)

func TestHealth(t *testing.T) {
	t.Parallel()
	lost := delivery.GivenUp{Count: 1, Last: noon}
	for _, test := range []struct {
		name  string
		state delivery.EndpointState
		lost  delivery.GivenUp
		want  delivery.Health
	}{
		{"nothing sent yet", delivery.EndpointState{}, delivery.GivenUp{}, delivery.HealthUntried},
		{"accepted", delivery.EndpointState{LastAnswer: "HTTP 200"}, delivery.GivenUp{}, delivery.HealthGood},
		{"accepts one and refused another", delivery.EndpointState{LastAnswer: "HTTP 200"}, lost, delivery.HealthGivingUp},
		{"fails", delivery.EndpointState{FailingSince: noon}, delivery.GivenUp{}, delivery.HealthFailing},
		{"fails and gave up", delivery.EndpointState{FailingSince: noon}, lost, delivery.HealthFailing},
		{"disabled", delivery.EndpointState{Disabled: true, FailingSince: noon}, lost, delivery.HealthDisabled},
	} {
		if got := test.state.Health(test.lost); got != test.want {
			t.Errorf("%s: %s, want %s", test.name, got, test.want)
		}
	}
}
