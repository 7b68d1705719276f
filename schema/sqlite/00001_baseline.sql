-- +goose Up

-- A row is a target with an active subscription; it is deleted with the last one.
CREATE TABLE target (
    name       TEXT PRIMARY KEY,
    registry   TEXT NOT NULL,
    repository TEXT NOT NULL,
    poll       INTEGER NOT NULL,
    seen       TEXT NOT NULL DEFAULT '', -- digest at the last check of the poll
    due        INTEGER NOT NULL,            -- of the next check
    polled     INTEGER NOT NULL DEFAULT 0,  -- last successful poll
    poll_interval INTEGER NOT NULL DEFAULT 0, -- at that time, possibly the default
    started    BOOLEAN NOT NULL DEFAULT FALSE -- its workflow was started once
);
CREATE INDEX target_due ON target (registry, due, poll);
CREATE INDEX target_repository ON target (repository);

CREATE TABLE target_state (
    target       TEXT PRIMARY KEY REFERENCES target (name) ON DELETE CASCADE,
    revision     INTEGER NOT NULL DEFAULT 0,
    manifest     TEXT NOT NULL DEFAULT '',
    index_digest TEXT NOT NULL DEFAULT '',
    since        INTEGER NOT NULL DEFAULT 0, -- when the tag was first seen to point to the manifest
    analyzed     TEXT NOT NULL DEFAULT '',
    pending      INTEGER NOT NULL DEFAULT 0, -- since when the manifest is neither analyzed nor matched
    build   TEXT NOT NULL DEFAULT '',
    matcher       TEXT NOT NULL DEFAULT '',
    bundle       TEXT NOT NULL DEFAULT '',
    analyzer     TEXT NOT NULL DEFAULT '',
    matched      BOOLEAN NOT NULL DEFAULT FALSE,
    critical     INTEGER NOT NULL DEFAULT 0,
    high         INTEGER NOT NULL DEFAULT 0,
    medium       INTEGER NOT NULL DEFAULT 0,
    low          INTEGER NOT NULL DEFAULT 0,
    negligible   INTEGER NOT NULL DEFAULT 0,
    unknown      INTEGER NOT NULL DEFAULT 0,
    status       TEXT NOT NULL DEFAULT '',
    final_action TEXT NOT NULL DEFAULT '',
    problem      TEXT NOT NULL DEFAULT '', -- of the last result, JSON; '' for none
    checked      INTEGER NOT NULL DEFAULT 0,
    changed      INTEGER NOT NULL DEFAULT 0,
    next_change  INTEGER NOT NULL DEFAULT 0,
    coverage     TEXT NOT NULL DEFAULT '', -- covered, not_covered, not_applicable; '' before the first match
    distribution TEXT NOT NULL DEFAULT '', -- its name, as in debian 12
    not_covered  TEXT NOT NULL DEFAULT '', -- why it is not covered
    end_of_life  INTEGER NOT NULL DEFAULT 0, -- of the distribution; 0 for unknown
    acceptances  TEXT NOT NULL DEFAULT '', -- key of those that it was made from
    wake         TEXT NOT NULL DEFAULT '' -- why the watcher is still to be woken; '' for no reason
);
CREATE INDEX target_state_analyzed ON target_state (analyzed, target);
CREATE INDEX target_state_wake ON target_state (target) WHERE wake <> '';
-- The orders of the status page, which reads a page at a time.
CREATE INDEX target_state_severity ON target_state (critical DESC, high DESC, medium DESC, low DESC, target);
CREATE INDEX target_state_changed ON target_state (changed DESC, target);

-- How many vulnerabilities a target had from a time on, until the next row.
CREATE TABLE target_history (
    target     TEXT NOT NULL REFERENCES target (name) ON DELETE CASCADE,
    at         INTEGER NOT NULL,
    critical   INTEGER NOT NULL,
    high       INTEGER NOT NULL,
    medium     INTEGER NOT NULL,
    low        INTEGER NOT NULL,
    negligible INTEGER NOT NULL,
    unknown    INTEGER NOT NULL,
    PRIMARY KEY (target, at)
);

-- States of targets that a watched repository no longer selects, in case it
-- selects them again.
CREATE TABLE archived (
    target TEXT PRIMARY KEY,
    state  BLOB NOT NULL,
    archived INTEGER NOT NULL
);

-- Apart from the state, so that a check does not rewrite them.
CREATE TABLE target_document (
    target   TEXT NOT NULL REFERENCES target (name) ON DELETE CASCADE,
    kind     TEXT NOT NULL, -- vulnerabilities, evaluation
    document BLOB NOT NULL,
    PRIMARY KEY (target, kind)
);

-- Subscriptions outlive their target when they are deactivated.
CREATE TABLE subscription (
    target     TEXT NOT NULL,
    type       TEXT NOT NULL,
    active     BOOLEAN NOT NULL,
    options    TEXT NOT NULL,
    repository TEXT NOT NULL, -- the watched repository that created it; '' if another did
    source     TEXT NOT NULL DEFAULT '', -- the source that created it; '' if another did
    created    INTEGER NOT NULL,
    updated    INTEGER NOT NULL,
    PRIMARY KEY (target, type)
);
CREATE INDEX subscription_repository ON subscription (repository) WHERE repository <> '';
CREATE INDEX subscription_source ON subscription (source) WHERE source <> '';

CREATE TABLE image (
    id            INTEGER PRIMARY KEY AUTOINCREMENT,
    digest        TEXT NOT NULL UNIQUE,
    state         TEXT NOT NULL, -- analyzed, analysis_failed
    analyzer      TEXT NOT NULL,
    config        TEXT NOT NULL DEFAULT '', -- digest of the configuration: the image id
    problem       TEXT NOT NULL DEFAULT '', -- JSON; '' for none
    analyzed      INTEGER NOT NULL DEFAULT 0, -- first time
    packages      INTEGER NOT NULL DEFAULT 0,
    files         INTEGER NOT NULL DEFAULT 0,
    groups_matcher TEXT NOT NULL DEFAULT '', -- that made its groups; '' for none
    file_system   TEXT NOT NULL DEFAULT '', -- digest of its unpacked layers: images with an equal one are analyzed once
    distribution  TEXT NOT NULL DEFAULT '' -- in the matcher's encoding; set with its groups
);
CREATE INDEX image_file_system ON image (file_system, analyzer) WHERE file_system <> '';
CREATE INDEX image_distribution ON image (distribution);

CREATE TABLE image_document (
    image_id INTEGER NOT NULL REFERENCES image (id) ON DELETE CASCADE,
    kind     TEXT NOT NULL, -- inventory, sbom, locations, places, unreadable, artifacts
    document BLOB NOT NULL,
    PRIMARY KEY (image_id, kind)
);

-- Assigns numbers in the order of the commits, unlike a database sequence: a
-- reader that remembers the last number never misses a row.
CREATE TABLE counter (
    name  TEXT PRIMARY KEY,
    value INTEGER NOT NULL
);
INSERT INTO counter (name, value) VALUES ('group', 0), ('notification', 0), ('edition', 0);

-- Packages that are matched together, once for all images that hold them.
CREATE TABLE package_group (
    id          INTEGER PRIMARY KEY,
    fingerprint TEXT NOT NULL UNIQUE,
    document    BLOB NOT NULL
);

CREATE TABLE package_key (
    key      TEXT NOT NULL,
    group_id INTEGER NOT NULL REFERENCES package_group (id) ON DELETE CASCADE,
    PRIMARY KEY (key, group_id)
) WITHOUT ROWID;
CREATE INDEX package_key_group ON package_key (group_id);

CREATE TABLE image_group (
    image_id INTEGER NOT NULL REFERENCES image (id) ON DELETE CASCADE,
    group_id INTEGER NOT NULL REFERENCES package_group (id),
    PRIMARY KEY (image_id, group_id)
) WITHOUT ROWID;
CREATE INDEX image_group_group ON image_group (group_id, image_id);

-- When workers with an analyzer, in its version and settings, were active.
CREATE TABLE analyzer (
    name       TEXT PRIMARY KEY,
    first_seen INTEGER NOT NULL,
    last_seen  INTEGER NOT NULL
) WITHOUT ROWID;

-- Images that an analyzer could not renew.
CREATE TABLE renewal (
    image_id INTEGER PRIMARY KEY REFERENCES image (id) ON DELETE CASCADE,
    analyzer TEXT NOT NULL,
    failures INTEGER NOT NULL,
    due      INTEGER NOT NULL -- time of the next retry; 0 for never
);

-- The packages of groups, to find them by their package URL.
CREATE TABLE group_package (
    group_id INTEGER NOT NULL REFERENCES package_group (id) ON DELETE CASCADE,
    member   INTEGER NOT NULL,
    lookup   TEXT NOT NULL, -- lower-case name in the package URL, without its namespace
    name     TEXT NOT NULL,
    version  TEXT NOT NULL,
    type     TEXT NOT NULL,
    purl     TEXT NOT NULL,
    PRIMARY KEY (group_id, member)
) WITHOUT ROWID;
CREATE INDEX group_package_lookup ON group_package (lookup);

-- What a group's findings were last computed with.
CREATE TABLE group_match (
    group_id   INTEGER PRIMARY KEY REFERENCES package_group (id) ON DELETE CASCADE,
    matcher     TEXT NOT NULL, -- '' for one that is out of date
    build TEXT NOT NULL
);

CREATE TABLE finding (
    id              INTEGER PRIMARY KEY AUTOINCREMENT,
    group_id        INTEGER NOT NULL REFERENCES package_group (id) ON DELETE CASCADE,
    member          INTEGER NOT NULL,
    vulnerability   TEXT NOT NULL,
    namespace       TEXT NOT NULL,
    severity        TEXT NOT NULL,
    fix_state       TEXT NOT NULL,
    known_exploited BOOLEAN NOT NULL,
    hash            TEXT NOT NULL, -- of the fields that decisions read
    content         TEXT NOT NULL, -- hash of the whole
    document        BLOB NOT NULL,
    first_seen      INTEGER NOT NULL,
    fix_first_seen  INTEGER NOT NULL
);
CREATE INDEX finding_group ON finding (group_id);
CREATE INDEX finding_vulnerability ON finding (vulnerability);

-- The lower-case ids of all records that a group's findings were made from.
CREATE TABLE finding_reference (
    vulnerability TEXT NOT NULL,
    group_id      INTEGER NOT NULL REFERENCES package_group (id) ON DELETE CASCADE,
    PRIMARY KEY (vulnerability, group_id)
) WITHOUT ROWID;
CREATE INDEX finding_reference_group ON finding_reference (group_id);

-- When a vulnerability of a group's member, and a fix for it, were first seen, by
-- each name, in lower case, that it has had; it outlives the findings by the
-- retention.
CREATE TABLE vulnerability_age (
    group_id       INTEGER NOT NULL REFERENCES package_group (id) ON DELETE CASCADE,
    member         INTEGER NOT NULL,
    name           TEXT NOT NULL,
    first_seen     INTEGER NOT NULL,
    fix_first_seen INTEGER NOT NULL, -- 0 for never
    unused         INTEGER NOT NULL DEFAULT 0, -- when pruning first found no finding of the name; 0 while there is one
    PRIMARY KEY (group_id, member, name)
) WITHOUT ROWID;

-- The groups with changes in a build that decisions read.
CREATE TABLE group_change (
    build TEXT NOT NULL,
    group_id   INTEGER NOT NULL REFERENCES package_group (id) ON DELETE CASCADE,
    PRIMARY KEY (build, group_id)
) WITHOUT ROWID;

-- One row. All stored findings of its matcher are valid for its build.
CREATE TABLE feed (
    id         INTEGER PRIMARY KEY CHECK (id = 1),
    build TEXT NOT NULL,
    matcher     TEXT NOT NULL,
    checked    INTEGER NOT NULL,
    source_status TEXT NOT NULL DEFAULT '' -- of the listing last read
);
INSERT INTO feed (id, build, matcher, checked) VALUES (1, '', '', 0);

CREATE TABLE data_build (
    checksum TEXT PRIMARY KEY,
    content  TEXT NOT NULL, -- JSON
    state    TEXT NOT NULL,
    held     INTEGER NOT NULL DEFAULT 0, -- since when it is on hold; 0 for one that is not
    reasons  TEXT NOT NULL, -- JSON
    saved    INTEGER NOT NULL
);

-- What the current data has about the distributions of images.
CREATE TABLE coverage (
    distribution TEXT PRIMARY KEY, -- in the matcher's encoding
    name         TEXT NOT NULL,
    state        TEXT NOT NULL, -- covered, not_covered, not_applicable
    reason       TEXT NOT NULL,
    end_of_life  INTEGER NOT NULL, -- 0 for unknown
    changed      TEXT NOT NULL -- build that last changed it; '' for none
);

CREATE TABLE feed_sums (
    build TEXT PRIMARY KEY,
    document   BLOB NOT NULL
);

-- EPSS scores of the current build.
CREATE TABLE epss (
    cve         TEXT PRIMARY KEY, -- upper-case
    probability REAL NOT NULL,
    percentile  REAL NOT NULL
);

-- Findings of a build until it becomes the current one.
CREATE TABLE staged_group (
    build TEXT NOT NULL,
    matcher     TEXT NOT NULL,
    group_id   INTEGER NOT NULL REFERENCES package_group (id) ON DELETE CASCADE,
    document   BLOB NOT NULL,
    PRIMARY KEY (build, matcher, group_id)
);
CREATE INDEX staged_group_group ON staged_group (group_id);

-- The matchers of workers, and when they were first and last active.
CREATE TABLE matcher (
    name       TEXT PRIMARY KEY,
    first_seen INTEGER NOT NULL,
    last_seen  INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE bundle (
    id      TEXT PRIMARY KEY,
    name    TEXT NOT NULL,
    hash    TEXT NOT NULL,
    active  BOOLEAN NOT NULL DEFAULT FALSE,
    created INTEGER NOT NULL,
    updated INTEGER NOT NULL
);
CREATE UNIQUE INDEX bundle_active ON bundle (active) WHERE active;

-- The contents that a bundle has had, from 1 on.
CREATE TABLE bundle_version (
    bundle  TEXT NOT NULL REFERENCES bundle (id) ON DELETE CASCADE,
    version INTEGER NOT NULL,
    hash    TEXT NOT NULL,
    note    TEXT NOT NULL, -- what changed, in words
    saved   INTEGER NOT NULL,
    PRIMARY KEY (bundle, version)
);

-- Kept for the versions of bundles and for evaluations that were made with them.
CREATE TABLE bundle_content (
    hash     TEXT PRIMARY KEY,
    document BLOB NOT NULL
);

-- Accepted risks, also those that ended or were revoked.
CREATE TABLE acceptance (
    id            INTEGER PRIMARY KEY AUTOINCREMENT,
    vulnerability TEXT NOT NULL,
    aliases       TEXT NOT NULL, -- JSON; its other ids
    package       TEXT NOT NULL, -- name or package URL; '' for all
    subject       TEXT NOT NULL, -- pattern of tags; '' for all
    until         INTEGER NOT NULL, -- 0 for until there is a fix
    reason        TEXT NOT NULL,
    owner         TEXT NOT NULL,
    accepted_by   TEXT NOT NULL,
    created       INTEGER NOT NULL,
    extended_by   TEXT NOT NULL DEFAULT '',
    extended      INTEGER NOT NULL DEFAULT 0,
    revoked_by    TEXT NOT NULL DEFAULT '',
    revoked       INTEGER NOT NULL DEFAULT 0 -- 0 for one that counts
);

CREATE TABLE endpoint (
    name          TEXT PRIMARY KEY,
    content       TEXT NOT NULL, -- JSON, without secrets
    edition       INTEGER NOT NULL DEFAULT 0, -- number of the content, from the counter
    state         TEXT NOT NULL, -- JSON
    created       INTEGER NOT NULL,
    updated       INTEGER NOT NULL
);

CREATE TABLE notification (
    seq     INTEGER PRIMARY KEY, -- from the counter
    id      TEXT NOT NULL UNIQUE,
    type    TEXT NOT NULL,
    subject TEXT NOT NULL,
    cause   TEXT NOT NULL,
    created INTEGER NOT NULL,
    summary TEXT NOT NULL,
    payload BLOB NOT NULL,
    trace   TEXT NOT NULL DEFAULT '' -- span that found it, for the trace of its delivery
);
CREATE INDEX notification_type ON notification (type, seq);
CREATE INDEX notification_subject ON notification (subject, seq);

CREATE TABLE delivery (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    notification TEXT NOT NULL REFERENCES notification (id) ON DELETE CASCADE,
    endpoint     TEXT NOT NULL,
    state        TEXT NOT NULL,
    created      INTEGER NOT NULL,
    attempts     INTEGER NOT NULL,
    last_try     INTEGER NOT NULL,
    next_try     INTEGER NOT NULL,
    deadline      INTEGER NOT NULL,
    retry_window INTEGER NOT NULL, -- retry window, from creation to the deadline
    answer       TEXT NOT NULL,
    message      TEXT NOT NULL DEFAULT '', -- id of the message that carries it; '' until it is sent
    early        INTEGER NOT NULL DEFAULT 0, -- attempts made before they were due, which the schedule does not count
    slim         BOOLEAN NOT NULL DEFAULT FALSE, -- without lists from now on, because the receiver rejected the size
    urgent       BOOLEAN NOT NULL DEFAULT FALSE, -- waits for no digest and no debounce time
    cut          BLOB, -- what the endpoint's filter lets through; NULL for the whole notification
    announced    BOOLEAN NOT NULL DEFAULT FALSE, -- the event log has an entry about its failure
    UNIQUE (notification, endpoint)
);
CREATE INDEX delivery_pending ON delivery (endpoint, next_try) WHERE state = 'pending';
CREATE INDEX delivery_created ON delivery (created, id);
CREATE INDEX delivery_given_up ON delivery (last_try) WHERE state = 'failed';
CREATE INDEX delivery_unannounced ON delivery (endpoint) WHERE state = 'failed' AND NOT announced;
CREATE INDEX delivery_message ON delivery (endpoint, message) WHERE message <> '';

CREATE TABLE attempt (
    delivery INTEGER NOT NULL REFERENCES delivery (id) ON DELETE CASCADE,
    number   INTEGER NOT NULL,
    made     INTEGER NOT NULL,
    duration INTEGER NOT NULL,
    status   INTEGER NOT NULL,
    answer   TEXT NOT NULL,
    PRIMARY KEY (delivery, number)
);
CREATE INDEX attempt_made ON attempt (made);

CREATE TABLE repository (
    name     TEXT PRIMARY KEY,
    content  TEXT NOT NULL, -- JSON
    edition  INTEGER NOT NULL DEFAULT 0, -- number of the content, from the counter
    revision INTEGER NOT NULL DEFAULT 0,
    listed   BOOLEAN NOT NULL DEFAULT FALSE,
    listed_tags BLOB, -- all tags of the last listing, watched or not; NULL before there was one
    applied  TEXT NOT NULL DEFAULT '', -- settings that its subscriptions were created with
    tags     BLOB NOT NULL,
    checked  INTEGER NOT NULL DEFAULT 0,
    created  INTEGER NOT NULL,
    updated  INTEGER NOT NULL
);

-- Places from which Tagwatch takes what to watch.
CREATE TABLE source (
    name      TEXT PRIMARY KEY,
    content   TEXT NOT NULL, -- JSON
    edition   INTEGER NOT NULL DEFAULT 0, -- number of the content, from the counter
    revision  INTEGER NOT NULL DEFAULT 0,
    listed    BOOLEAN NOT NULL DEFAULT FALSE,
    found     BLOB, -- all references of the last listing; NULL before there was one
    version   TEXT NOT NULL DEFAULT '', -- that the server named for it
    doubt     TEXT NOT NULL DEFAULT '', -- names what was gone at once and is not believed to be
    confirmed TEXT NOT NULL DEFAULT '', -- the doubt that a person has confirmed
    checked   INTEGER NOT NULL DEFAULT 0,
    created   INTEGER NOT NULL,
    updated   INTEGER NOT NULL
);

-- Targets that a source brings.
CREATE TABLE source_member (
    source   TEXT NOT NULL REFERENCES source (name) ON DELETE CASCADE,
    target   TEXT NOT NULL,
    settings TEXT NOT NULL, -- that its subscriptions were created with
    missing  INTEGER NOT NULL, -- listings in a row that lacked it
    PRIMARY KEY (source, target)
);
CREATE INDEX source_member_target ON source_member (target);

-- What the workloads of a source run, as it last listed them.
CREATE TABLE workload (
    source    TEXT NOT NULL REFERENCES source (name) ON DELETE CASCADE,
    kind      TEXT NOT NULL,
    namespace TEXT NOT NULL,
    name      TEXT NOT NULL,
    container TEXT NOT NULL,
    target    TEXT NOT NULL, -- that it was made from
    digest    TEXT NOT NULL, -- that the runtime reports; '' for none
    platform  TEXT NOT NULL, -- of the target
    origin    TEXT NOT NULL, -- what all sources know the workload by; '' if nothing
    count     INTEGER NOT NULL, -- of containers; 0 for an image that ran before
    gone      INTEGER NOT NULL, -- when it was found not to run any more; 0 while it runs
    notified  BOOLEAN NOT NULL, -- the last runtime_update was about it
    waits     BOOLEAN NOT NULL, -- it may be an image that ran before, under another digest
    PRIMARY KEY (source, kind, namespace, name, container, target, digest)
);
CREATE INDEX workload_target ON workload (target);
CREATE INDEX workload_digest ON workload (digest, platform);
CREATE INDEX workload_origin ON workload (origin);

-- Which image a digest names, of those that tags pointed to.
CREATE TABLE image_name (
    digest   TEXT NOT NULL, -- of a manifest, an index or a configuration
    platform TEXT NOT NULL, -- that was taken from the index; '' for the others
    image    TEXT NOT NULL, -- digest of the manifest
    PRIMARY KEY (digest, platform)
);
CREATE INDEX image_name_image ON image_name (image);

-- What registries say of digests that workloads run and no tag pointed to.
CREATE TABLE reported_form (
    digest TEXT PRIMARY KEY,
    form   TEXT NOT NULL, -- JSON
    asked  INTEGER NOT NULL
);

-- Whom things belong to that a declaration made. A row goes with its thing.
CREATE TABLE declared (
    kind  TEXT NOT NULL, -- endpoint, policy, acceptance, repository, source, subscription
    name  TEXT NOT NULL,
    owner TEXT NOT NULL,
    PRIMARY KEY (kind, name)
);

-- Changes that endpoints receive in one summary.
CREATE TABLE pending_summary (
    endpoint     TEXT NOT NULL REFERENCES endpoint (name) ON DELETE CASCADE,
    notification TEXT NOT NULL REFERENCES notification (id) ON DELETE CASCADE,
    document     TEXT NOT NULL, -- JSON
    PRIMARY KEY (endpoint, notification)
) WITHOUT ROWID;
CREATE INDEX pending_summary_notification ON pending_summary (notification);

-- The last decisions that left something out of what is notified of a tag or a
-- repository, with the reasons. They outlive its watch.
CREATE TABLE suppression (
    subject  TEXT NOT NULL,
    decided  INTEGER NOT NULL,
    document BLOB NOT NULL,
    PRIMARY KEY (subject, decided)
);

-- Sessions of the status page. The id is a hash of the cookie.
CREATE TABLE session (
    id      TEXT PRIMARY KEY,
    expires INTEGER NOT NULL -- microseconds since 1970
);
CREATE INDEX session_expires ON session (expires);

-- Tokens of the HTTP API. Their texts are not stored, only the SHA-256 of each.
CREATE TABLE token (
    id      TEXT PRIMARY KEY,
    name    TEXT NOT NULL UNIQUE,
    hash    TEXT NOT NULL,
    scope   TEXT NOT NULL,
    bounds  TEXT NOT NULL, -- JSON: patterns of the tags that it is limited to
    created INTEGER NOT NULL,
    expires INTEGER NOT NULL -- 0 for never
);

-- Requests that their senders gave a key, with their answers.
CREATE TABLE keyed_request (
    token   TEXT NOT NULL, -- id of the token that they were sent with
    key     TEXT NOT NULL,
    request TEXT NOT NULL, -- hash of the request
    begun   INTEGER NOT NULL,
    status  INTEGER NOT NULL DEFAULT 0, -- of the answer; 0 while the request is under way
    type    TEXT NOT NULL DEFAULT '', -- of the body
    location TEXT NOT NULL DEFAULT '', -- of the task that was started
    body    BLOB,
    PRIMARY KEY (token, key)
);
CREATE INDEX keyed_request_begun ON keyed_request (begun);

-- What the workers know together about the hosts that they send requests to, and which of
-- them may send how many.
CREATE TABLE host_limit (
    host    TEXT PRIMARY KEY, -- with what it is, as in "registry docker.io"
    state   TEXT NOT NULL, -- JSON
    changed INTEGER NOT NULL
);

-- What people and programs changed. Rows are never changed, only removed when they are old.
CREATE TABLE audit (
    id      INTEGER PRIMARY KEY AUTOINCREMENT,
    made    INTEGER NOT NULL, -- microseconds since 1970
    who     TEXT NOT NULL, -- name of a token, or the system's user who ran a command
    via     TEXT NOT NULL, -- cli, api or anchore
    action  TEXT NOT NULL,
    subject TEXT NOT NULL,
    before  TEXT NOT NULL, -- JSON without secrets; '' where the subject did not exist
    after   TEXT NOT NULL -- likewise
);
CREATE INDEX audit_made ON audit (made);
CREATE INDEX audit_subject ON audit (subject);

-- The oldest schema version that a program must support to use this database. A
-- migration that breaks older programs sets it to its own version.
CREATE TABLE min_compatible_version (
    id      INTEGER PRIMARY KEY CHECK (id = 1),
    version INTEGER NOT NULL
);
INSERT INTO min_compatible_version (id, version) VALUES (1, 0);

-- Current conditions: a row from the check that first finds one until a check no
-- longer does. It refers to no other table and no other step writes it, so that any
-- failing step can be recorded.
CREATE TABLE condition (
    kind       TEXT NOT NULL,
    resource   TEXT NOT NULL, -- tag, registry, repository, endpoint, source, task, data
    name       TEXT NOT NULL,
    step       TEXT NOT NULL, -- that failed; '' if there is only one
    error_kind TEXT NOT NULL, -- '' for none
    message    TEXT NOT NULL, -- of the last check that found it
    since      INTEGER NOT NULL,
    confirmed  BOOLEAN NOT NULL,
    notified   INTEGER NOT NULL, -- when its notification was stored; 0 for none
    PRIMARY KEY (kind, resource, name)
);
CREATE INDEX condition_resource ON condition (resource, name);
