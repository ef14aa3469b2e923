using System.Globalization;
using Mergeflow.Engine.Actions;
using Mergeflow.Engine.Conntrack;
using Mergeflow.Engine.Keys;
using Mergeflow.Engine.Offload;
using Mergeflow.Engine.Telemetry;
using Mergeflow.Engine.Text;
using Mergeflow.Native;

namespace Mergeflow.Cli;

/// <summary>
/// Rebuilds the chain of one packet from dumps of a running switch (flows and connections) and merges it: the same merge as in the datapath, on a
/// trace that was put together instead of recorded.
/// </summary>
/// <remarks>
/// The packet may be given in part, e.g. as a 5-tuple: what a flow asks for and nobody has said is taken from the flow. Where several flows fit,
/// the busiest is taken and a note says so.
/// </remarks>
public sealed class DumpMerger(IReadOnlyList<DpFlow> flows, IReadOnlyList<DpConnection> connections)
{
    private readonly List<DpFlow> _flows = [.. flows];
    private readonly List<DpConnection> _connections = [.. connections];
    private readonly List<DpFlow> _visited = [];
    private readonly List<DpConnection> _met = [];
    private readonly List<string> _notes = [];
    private readonly Trace _trace = new();
    private FlowKey _original;
    private MergeRefusal _refusal;

    /// <summary>Follows the packet and merges what it went through.</summary>
    /// <param name="key">The packet; bits outside of <paramref name="known"/> are not given.</param>
    /// <param name="known">Bits that are given.</param>
    public DumpChain Merge(FlowKey key, FlowKey known)
    {
        _original = key;
        var packet = new DumpPacket { Key = key, Known = known };
        KeyBits.OrInto(ref packet.Known, ref KeyMasks.Metadata);
        if (key.NwProto == IpProto.Tcp && known.TcpFlags.Raw == 0)
        {
            packet.Key.TcpFlags = _original.TcpFlags = Be16.FromHost(KeyMasks.TcpAck);
            packet.Known.TcpFlags = new Be16(0xffff);
        }

        if (!Walk(ref packet)) return Result(null);
        _trace.OriginalKey = _original;
        _trace.OriginalLengthBytes = 0;
        using var store = new MegaflowStore();
        foreach (DpFlow f in _visited) store.Set(_flows.IndexOf(f), 1, f.Value, f.Mask, f.Actions);
        var merger = new TraceMerger(store);
        var rule = new MergedFlow();
        if (merger.TryMerge(_trace, rule)) return Result(rule);
        _refusal = merger.Refusal;
        return Result(null);
    }

    private DumpChain Result(MergedFlow? rule) => new(rule, _refusal, _visited, _met, _notes);

    private bool Refuse(OffloadReason reason, string detail)
    {
        _refusal = new MergeRefusal(reason, Math.Max(0, _trace.PassCount - 1), detail);
        return false;
    }

    private bool Walk(ref DumpPacket packet)
    {
        if (_trace.PassCount == Trace.MaxPasses) return Refuse(OffloadReason.TraceTooDeep, "recirc");
        if (Find(ref packet) is not { } flow)
        {
            _refusal = new MergeRefusal(OffloadReason.Upcall, _trace.PassCount, string.Create(CultureInfo.InvariantCulture, $"no flow of the dump fits the packet at recirc_id 0x{packet.Key.RecircId.Host:x}"));
            return false;
        }

        Adopt(ref packet, flow);
        int pass = _trace.PassCount;
        _visited.Add(flow);
        _trace.Passes[_trace.PassCount++] = new TracePass { MegaflowId = _flows.IndexOf(flow), Generation = 1, LengthBytes = packet.LengthDeltaBytes };
        if (flow.ForeignMatch is { } foreign) return Refuse(OffloadReason.UnsupportedMatch, foreign);
        return Run(ref packet, flow, flow.Actions, pass);
    }

    private bool Run(ref DumpPacket packet, DpFlow flow, ReadOnlySpan<DpAction> actions, int pass)
    {
        for (int i = 0; i < actions.Length; i++)
        {
            ref readonly DpAction a = ref actions[i];
            switch (a.Op)
            {
                case DpOp.Output or DpOp.Drop:
                    break;
                case DpOp.Recirc:
                    DumpPacket copy = packet;
                    copy.Key.RecircId = Be32.FromHost(a.RecircId);
                    if (!Walk(ref copy)) return false;
                    break;
                case DpOp.Clone:
                    copy = packet;
                    if (!Run(ref copy, flow, actions.Slice(i + 1, a.NestedCount), pass)) return false;
                    i += a.NestedCount;
                    break;
                case DpOp.Ct when _trace.EventCount == Trace.MaxEvents:
                    return Refuse(OffloadReason.TraceTooDeep, "ct");
                case DpOp.Ct:
                    CtVerdict verdict = Track(ref packet, in a.Ct);
                    OffloadReason reason = CtEligibility.Check(packet.Key.NwProto, packet.Key.TcpFlags.Host, in verdict, out string detail);
                    if (reason != OffloadReason.None) return Refuse(reason, reason == OffloadReason.CtChangesConnection ? "ct(commit)" : detail);
                    _trace.Events[_trace.EventCount++] = new TraceEvent { Kind = TraceEventKind.Ct, Pass = pass, Ct = verdict };
                    break;
                case DpOp.CtClear:
                    packet.ClearTracking();
                    break;
                case DpOp.Hash:
                    _notes.Add(string.Create(CultureInfo.InvariantCulture, $"pass {pass}: the dump does not say what hash() came to"));
                    return Refuse(OffloadReason.UnsupportedAction, "hash");
                case DpOp.Userspace:
                    return Refuse(OffloadReason.UnsupportedAction, flow.ForeignAction ?? "userspace");
                default:
                    // What cannot be merged ends the walk: the merge will say so, and say where.
                    if (!packet.TryRewrite(in a)) return true;
                    break;
            }
        }

        return true;
    }

    private DpFlow? Find(ref DumpPacket packet)
    {
        DpFlow? best = null;
        int count = 0;
        foreach (DpFlow f in _flows)
        {
            if (!packet.Fits(f)) continue;
            count++;
            if (best is null || f.Packets > best.Packets) best = f;
        }

        if (count > 1) _notes.Add(string.Create(CultureInfo.InvariantCulture, $"pass {_trace.PassCount}: {count} flows fit, the busiest was taken (line {best!.Line}); say more of the packet to choose another"));
        return best;
    }

    /// <summary>What the flow asks for and nobody has said is so; in the original packet too, unless something has written it since.</summary>
    private void Adopt(ref DumpPacket packet, DpFlow flow)
    {
        FlowKey open = default;
        KeyBits.AndNot(ref flow.Mask, ref packet.Known, ref open);
        FlowKey value = default;
        FlowKey.And(ref flow.Value, ref open, ref value);
        KeyBits.OrInto(ref packet.Key, ref value);
        KeyBits.OrInto(ref packet.Known, ref open);
        KeyBits.OrInto(ref _original, ref value);
    }

    /// <summary>A commit of an established connection: another mark or label, or a new connection in the other direction.</summary>
    private static bool Changes(DpConnection c, in DpCt ct, bool reply)
        => ((c.Mark ^ ct.Mark) & ct.MarkMask) != 0 || ((c.Label ^ ct.Label.ToUInt128()) & ct.LabelMask.ToUInt128()) != 0 || (reply && (ct.Flags & DpCtFlags.Force) != 0);

    private CtVerdict Track(ref DumpPacket packet, in DpCt ct)
    {
        ushort zone = ct.Zone;
        DpTuple tuple = packet.Tuple;
        byte proto = packet.Key.NwProto;
        DpConnection? c = _connections.Find(x => x.Zone == zone && x.Proto == proto && (x.Orig == tuple || x.Reply == tuple));
        var v = new CtVerdict { ConnId = -1, Zone = zone, State = CtState.Trk | CtState.New };
        if (c is null)
        {
            _notes.Add(string.Create(CultureInfo.InvariantCulture, $"zone {zone}: no connection of the dump has the packet's tuple: +new"));
            packet.SetTracking(in v);
            return v;
        }

        _met.Add(c);
        v.ConnId = _connections.IndexOf(c);
        v.Reply = c.Orig != tuple;
        bool isEstablished = c.State is null or "ESTABLISHED";
        v.Offloadable = isEstablished && !c.HasHelper;
        v.State = CtState.Trk | (isEstablished ? CtState.Est : CtState.New) | (v.Reply ? CtState.Rpl : CtState.None);
        (v.Mark, v.Label) = (c.Mark, Ipv6Address.FromUInt128(c.Label));
        v.Changed = (ct.Flags & DpCtFlags.Commit) != 0 && Changes(c, in ct, v.Reply);
        if (c.State is null) _notes.Add(string.Create(CultureInfo.InvariantCulture, $"connection of line {c.Line}: the dump does not say whether an answer was seen; taken as established"));
        if ((ct.Flags & DpCtFlags.Nat) != 0) packet.Translate(v.Reply ? c.Orig.Turned : c.Reply.Turned, ref v);
        packet.SetTracking(in v);
        return v;
    }
}
