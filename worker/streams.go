package main

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/tagwatch/tagwatch/activities"
)

// streams shows how this worker's streams of sources do.
type streams struct {
	all func() []activities.StreamState
}

var (
	streamsDesc    = describe("tagwatch_source_streams", "Streams of changes that this worker should have open, one for each cluster and engine.")
	streamsOpen    = describe("tagwatch_source_streams_open", "Those of them that are open.")
	streamEvent    = describe("tagwatch_source_stream_event_timestamp_seconds", "When the stream was last opened or announced a change.", "source")
	streamsFailing = describe("tagwatch_source_stream_failing_timestamp_seconds", "Since when the stream is not open.", "source")
)

// Describe implements prometheus.Collector.
func (s streams) Describe(out chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{streamsDesc, streamsOpen, streamEvent, streamsFailing} {
		out <- d
	}
}

// Collect implements prometheus.Collector.
func (s streams) Collect(out chan<- prometheus.Metric) {
	page, open := gauges{out: out}, 0
	all := s.all()
	for _, state := range all {
		if state.Open() {
			open++
		}
		for desc, at := range map[*prometheus.Desc]time.Time{streamEvent: state.Event, streamsFailing: state.Failing} {
			if !at.IsZero() {
				page.set(desc, float64(at.UnixMicro())/1e6, state.Source)
			}
		}
	}
	page.set(streamsDesc, float64(len(all)))
	page.set(streamsOpen, float64(open))
}
