namespace Mergeflow.Cli;

/// <summary>Why packets are not offloaded, in plain words, and what would change that.</summary>
public static class ReasonText
{
    /// <summary>One sentence, without the name of the reason.</summary>
    public static string Sentence(OffloadReason reason) => reason switch
    {
        OffloadReason.None => "Nothing stands in the way.",
        OffloadReason.CtNotEstablished => "The connection has not been answered yet: before packets went both ways, software has to follow its state.",
        OffloadReason.CtInvalid => "Connection tracking finds the packet invalid: a wrong checksum, a cut header, or TCP that does not fit its connection.",
        OffloadReason.CtRelated => "The packet belongs to another connection (an ICMP error, a data channel) and is looked at one by one.",
        OffloadReason.CtChangesConnection => "The packet makes, marks or replaces a connection, which only software can do.",
        OffloadReason.CtTcpFlags => "SYN, FIN, RST or no ACK: the packet opens or closes its connection, and software has to see it.",
        OffloadReason.IcmpWithCt => "ICMP is tracked by its identifier, which no rule can match.",
        OffloadReason.ProtocolWithCt => "Only TCP and UDP connections can be offloaded; this is another protocol, and it is tracked.",
        OffloadReason.Alg => "A gateway (FTP) reads and rewrites the payload of this connection.",
        OffloadReason.UnsupportedAction => "The rules do something that the device has no action for.",
        OffloadReason.UnsupportedMatch => "The rules look at something that the device cannot match.",
        OffloadReason.Fragment => "The packet is a fragment, and connection tracking puts fragments together first.",
        OffloadReason.LengthDependent => "What is done depends on the packet's length, which no rule can match.",
        OffloadReason.TraceTooDeep => "The packet recirculates more often than a rule can stand for.",
        OffloadReason.MegaflowFromSlowPath => "A pass of the packet cannot be cached, so every packet of the flow goes through the OpenFlow tables.",
        OffloadReason.Malformed => "The headers contradict themselves.",
        OffloadReason.FunctionBits => "A field that is matched later is the result of a calculation and cannot be expressed in the header as received.",
        OffloadReason.BrokenTrace => "The record of the packet's way does not fit together; the next packet makes a new one.",
        OffloadReason.StaleTrace => "The tables or the connection changed while the rule was being made; the next packet tries again.",
        OffloadReason.Upcall => "The packet was the first of its megaflow and went through the OpenFlow tables.",
        OffloadReason.AdmissionPolicy => "The admission policy does not find the flow worth a rule, or not yet.",
        OffloadReason.TableFull => "The table of the device is full, and no rule in it is idle enough to make room.",
        OffloadReason.TemplateLimit => "The device can hold only so many different masks, and they are all in use.",
        OffloadReason.DeviceRefused => "The device refuses the rule.",
        OffloadReason.DeviceReset => "The device was reset and has lost its rules.",
        OffloadReason.AlreadyOffloaded => "The rule of the flow is on the way; the packet came before it was there.",
        OffloadReason.QueueFull => "Packets came faster than rules can be made; the next packet of the flow tries again.",
        OffloadReason.OutputRestore => "A header would have to get back a value that the frame no longer holds.",
        OffloadReason.DropOnly => "The flow is only dropped, and drops are not offloaded here.",
        OffloadReason.CtOriginalTuple => "The connection was found by the tuple that the packet had before translation; another may get that tuple.",
        OffloadReason.DeviceSuspended => "The device does not answer and is out of the path.",
        OffloadReason.ShadowDifference => "The device has forwarded a packet of the rule otherwise than software would have: the rule was revoked.",
        _ => "",
    };

    /// <summary>What would help: a profile, an option, a rule that could be written otherwise.</summary>
    /// <param name="reason">Why.</param>
    /// <param name="detail">Field or action that it is about, or null.</param>
    public static string Hint(OffloadReason reason, string? detail) => reason switch
    {
        OffloadReason.CtNotEstablished => "If the other direction is missing, give both sides (--port auto, or --in and --port twice); for one-way UDP, forward it without ct.",
        OffloadReason.CtInvalid => "For a capture from the sending host use --fix-checksums. Invalid packets are best dropped in the first pass, before ct.",
        OffloadReason.CtRelated or OffloadReason.CtTcpFlags => "Nothing; it is a cost per connection, so long connections offload better.",
        OffloadReason.CtChangesConnection => "Commit only what is +new: 'ct_state=+trk+new actions=ct(commit,..)', and let +est be forwarded without commit or with the same mark.",
        OffloadReason.IcmpWithCt or OffloadReason.ProtocolWithCt => "A rule in front of ct that forwards this protocol without tracking can be offloaded.",
        OffloadReason.Alg => "Leave alg= out where no data channel is needed.",
        OffloadReason.UnsupportedAction when detail is "meter" or "Meter" => "Meter where the packet does not pass later (on the port, or another table's default), or leave these flows in software.",
        OffloadReason.UnsupportedAction => $"A device with {detail ?? "that action"} in its profile (--profile FILE; mergeflow whatif compares them), or rules that do without it.",
        OffloadReason.UnsupportedMatch => $"A device that matches {detail ?? "that field"} (--profile FILE; mergeflow whatif compares them), or rules that do not look at it.",
        OffloadReason.TemplateLimit => "Rules of fewer shapes (the same fields everywhere), or a device with more templates.",
        OffloadReason.TableFull => "A larger table, or --admission after-N or saved-cycles, which keep short flows out.",
        OffloadReason.AdmissionPolicy => "--admission always takes every flow that can be merged.",
        OffloadReason.Fragment => "A smaller MTU at the sender, or a rule in front of ct that forwards fragments (ip_frag=yes).",
        OffloadReason.LengthDependent => "Rules without check_pkt_larger and output(max_len=..) for these flows.",
        OffloadReason.TraceTooDeep => "Fewer ct() and recirculations per packet.",
        OffloadReason.MegaflowFromSlowPath => "Rules without controller, userspace or learn for these flows.",
        OffloadReason.QueueFull => "If it is more than a burst at the start: --admission after-N, which asks for fewer rules.",
        OffloadReason.StaleTrace or OffloadReason.BrokenTrace => "Fewer changes of the tables; it passes by itself.",
        OffloadReason.DropOnly => "Drop in the first pass: such drops need no rule of the merge.",
        OffloadReason.DeviceRefused or OffloadReason.DeviceReset or OffloadReason.DeviceSuspended => "See what the device says (offload show --dead, --faults).",
        OffloadReason.FunctionBits or OffloadReason.OutputRestore => "Rules that match before they rewrite, and do not copy fields into each other.",
        OffloadReason.ShadowDifference => "A fault of the device: see the log, and the case that was kept of the packet (--shadow-cases).",
        OffloadReason.CtOriginalTuple => "Match and forward by the translated tuple.",
        _ => "Nothing is needed: it passes by itself.",
    };
}
