using Mergeflow.Native;
using Xunit;

namespace Mergeflow.Tests;

/// <summary>Builds traces by hand: megaflows, passes and events of one packet.</summary>
internal sealed class Chain : IDisposable
{
    /// <summary>The key with a change.</summary>
    public static FlowKey With(FlowKey key, Func<FlowKey, FlowKey> change) => change(key);

    /// <summary>Whether the rule takes the packet.</summary>
    public static bool Hits(MergedFlow rule, FlowKey packet) => FlowKey.Matches(ref packet, ref rule.Mask, ref rule.Value);

    public readonly MegaflowStore Flows = new();
    public readonly Trace Trace = new();
    private int _nextId = 1;

    public Chain(FlowKey original)
    {
        Trace.OriginalKey = original;
        Trace.OriginalLengthBytes = 100;
    }

    public static FlowKey Tcp(string src = "10.0.0.1", string dst = "10.0.0.2", ushort sport = 1000, ushort dport = 80, ushort flags = 0x10)
    {
        FlowKey k = default;
        k.InPort = Be32.FromHost(1);
        k.DlSrc = EthAddress.FromUInt64(0x020000000001);
        k.DlDst = EthAddress.FromUInt64(0x020000000002);
        k.DlType = Be16.FromHost(EthType.Ip);
        k.NwProto = IpProto.Tcp;
        k.NwTtl = 64;
        k.NwSrc = Ip(src);
        k.NwDst = Ip(dst);
        k.TpSrc = Be16.FromHost(sport);
        k.TpDst = Be16.FromHost(dport);
        k.TcpFlags = Be16.FromHost(flags);
        return k;
    }

    public static Be32 Ip(string text)
    {
        uint v = 0;
        foreach (string part in text.Split('.')) v = (v << 8) | byte.Parse(part);
        return Be32.FromHost(v);
    }

    public static FlowKey Mask(Action<FlowKeyBox> set)
    {
        var box = new FlowKeyBox();
        set(box);
        return box.Key;
    }

    public sealed class FlowKeyBox
    {
        public FlowKey Key;
    }

    /// <summary>Adds a pass whose megaflow matches the recorded header <paramref name="seen"/> under <paramref name="mask"/>.</summary>
    public int Pass(FlowKey seen, FlowKey mask, int lengthDeltaBytes, params DpAction[] program)
    {
        int id = _nextId++;
        Flows.Set(id, 1, seen, mask, program);
        Again(id, lengthDeltaBytes);
        return id;
    }

    public void Again(int id, int lengthDeltaBytes = 0)
    {
        Trace.Passes[Trace.PassCount++] = new TracePass
        {
            MegaflowId = id,
            Generation = Flows.Find(id)!.Generation,
            LengthBytes = Trace.OriginalLengthBytes + lengthDeltaBytes,
        };
    }

    public void Ct(int pass, CtVerdict verdict)
        => Trace.Events[Trace.EventCount++] = new TraceEvent { Kind = TraceEventKind.Ct, Pass = pass, Ct = verdict };

    public void HashEvent(int pass, uint value)
        => Trace.Events[Trace.EventCount++] = new TraceEvent { Kind = TraceEventKind.Hash, Pass = pass, DpHash = value };

    public static CtVerdict Established(int conn = 7, bool reply = false) => new()
    {
        ConnId = conn,
        Generation = 3,
        State = CtState.Trk | CtState.Est | (reply ? CtState.Rpl : CtState.None),
        Reply = reply,
        Offloadable = true,
        Zone = 5,
    };

    public static DpAction Output(uint port) => new() { Op = DpOp.Output, Port = port };

    public static DpAction Recirc(uint id) => new() { Op = DpOp.Recirc, RecircId = id };

    public static DpAction CtAction(DpCtFlags flags = DpCtFlags.None)
    {
        DpAction a = new() { Op = DpOp.Ct };
        a.Ct.Flags = flags;
        a.Ct.Zone = 5;
        return a;
    }

    public static DpAction SetDst(string ip)
    {
        DpAction a = new() { Op = DpOp.SetIpv4 };
        a.Ipv4.Dst = Ip(ip);
        a.Ipv4.DstMask = new Be32(~0u);
        return a;
    }

    public static DpAction PushVlan(ushort tci) => new() { Op = DpOp.PushVlan, EthType = EthType.Vlan, VlanTci = (ushort)(tci | 0x1000) };

    public static DpAction SetVlan(ushort tci)
    {
        DpAction a = new() { Op = DpOp.SetVlan };
        a.Vlan.Tci = Be16.FromHost((ushort)(tci | 0x1000));
        a.Vlan.TciMask = Be16.FromHost(0xffff);
        return a;
    }

    public static DpAction Simple(DpOp op) => new() { Op = op };

    /// <summary>in_port, recirc_id, dl_type and nw_frag: what every megaflow of an IP packet matches.</summary>
    public static FlowKey BaseMask => Mask(m =>
    {
        m.Key.InPort = new Be32(~0u);
        m.Key.RecircId = new Be32(~0u);
        m.Key.DlType = new Be16(0xffff);
        m.Key.NwFrag = (NwFrag)0xff;
    });

    /// <summary>The usual chain: <c>ct(),recirc</c>, then an output for established packets.</summary>
    public static Chain Tracked(FlowKey packet, CtVerdict? verdict = null, params DpAction[] then)
    {
        Chain c = new(packet);
        CtVerdict v = verdict ?? Established();
        c.Pass(packet, BaseMask, 0, CtAction(), Recirc(1));
        c.Ct(0, v);
        FlowKey mask = BaseMask;
        mask.CtState = (CtState)0xff;
        packet.RecircId = Be32.FromHost(1);
        packet.CtState = v.State;
        c.Pass(packet, mask, 0, then.Length > 0 ? then : [Output(2)]);
        return c;
    }

    /// <summary>Hands a copy of the trace to an offload thread.</summary>
    public void Submit(PmdOffload pmd, ulong flowHash = 1)
    {
        Trace t = pmd.Traces.TryBegin()!;
        t.OriginalKey = Trace.OriginalKey;
        t.OriginalLengthBytes = Trace.OriginalLengthBytes;
        t.FlowHash = flowHash;
        Array.Copy(Trace.Passes, t.Passes, Trace.PassCount);
        Array.Copy(Trace.Events, t.Events, Trace.EventCount);
        t.PassCount = Trace.PassCount;
        t.EventCount = Trace.EventCount;
        pmd.Traces.Publish();
    }

    public MergedFlow Merge()
    {
        MergedFlow rule = new();
        TraceMerger merger = new(Flows);
        Assert.True(merger.TryMerge(Trace, rule), merger.Refusal.ToString());
        return rule;
    }

    public MergeRefusal Refused()
    {
        TraceMerger merger = new(Flows);
        Assert.False(merger.TryMerge(Trace, new MergedFlow()));
        return merger.Refusal;
    }

    public void Dispose() => Flows.Dispose();
}
