// Package budget decides who may start, how long a request and each of its
// steps may take, and how many operations it may start. It suits any Go service
// and knows nothing of HTTP.
//
// # Spending
//
// A [Budget] is made for each request by [New], and is its context. An
// [Operation] inside the request, such as one storage call, has a context of
// its own: it gets half of what remains, and never more than a cap, so that one
// slow call leaves time to answer with something better than a closed
// connection. What its like have lately taken longer than remains is refused
// before it starts. A little time is kept back for the answer. What was spent is
// known by [Phase].
//
// # Admission
//
// An [Admission] bounds how many compute at once. More than the number of
// processors only moves the queue into the scheduler, where nothing can see it.
// Callers belong to flows, such as the tenants of a service:
//
//   - A caller that waits for something else leaves its slot, and takes one
//     again after; within a flow it then goes before those who would begin.
//   - Slots go to flows by start-time fair queuing: each has a tag, the CPU that
//     it was given, and the smallest goes next. How long a run will take need
//     not be known for that, and time in which a flow was idle is forgotten
//     (Goyal, Guo and Vin, "A Hierarchical CPU Scheduler for Multimedia Operating
//     Systems", OSDI 1996). A flood waits behind itself.
//   - Within a flow, the callers of one address share what it gets with those of
//     the others in the same way, and within an address the earliest deadline goes
//     first. Where all have the same time that is the order of arrival.
//   - A run that has had its slot for 1 ms is told to make way by [Ticket.Yield]
//     when a flow waits that has had less. So a newcomer waits for one slice, not
//     for a run. A run that has computed for 100 ms is long: it makes way for others
//     of its own flow, too.
//   - The last slot, where there are several, is kept from long runs for a second
//     after a run of a flow that has none: who only computes for a moment then
//     finds a slot, however many compute for long.
//   - In the same way, it is kept from a flow that has others for 0.5 ms after a run
//     shorter than 1 ms, as long as that run's flow has had less: its clients' next
//     requests, each of which waits for the last one's answer, then need not wait for
//     a slice each.
//   - A run that was told so and cannot, because it is in a step that nothing can
//     interrupt, has others let in beside it, up to twice as many as there are
//     slots; but none of its own flow.
//   - Those that have left their slots take memory and no slot. They are bounded
//     by places, [AdmissionConfig].InFlight, of which a flow below its share
//     always gets one. A flow with two long runs for each slot begins no other,
//     but for an address that has nothing under way.
//   - A caller who finds no slot while nobody waits lets other goroutines go on,
//     for a moment, before it waits too: whoever asks has a processor, so one of
//     those with the slots has none just then.
//   - The wait is predicted from how fast the flow's own queue has drained over
//     the last second, and from the caller's place in it by address. A caller who
//     would wait longer than its deadline allows is refused at once. So is one who
//     would wait longer than 300 ms in a queue that has not been empty for a second,
//     or 1 s if nobody else of its address waits: a queue that stands does not keep
//     slots busier, it only makes everybody late. The two limits, one for bursts
//     and one for overload, are those of Maurer, "Fail at Scale", ACM Queue 13(8)
//     2015, which adapts CoDel (RFC 8289) to servers.
//   - A full queue drops the last of the longest address of the longest flow
//     (fq_codel, RFC 8290). A flow that has nobody in it may always have one.
//   - Who is refused is told when the queue should have drained, with jitter.
//
// So a flow that asks for less than its share is never refused, and waits for no
// longer than a slice that is under way and one slice of each other such flow,
// behind what is in its own queue.
//
// # Memory
//
// A [Pool] shares bytes among flows, and within a flow among the addresses that
// its work comes from: each may hold as much as it leaves free.
//
// Times are monotonic: a clock that is set changes nothing.
package budget
