using Mergeflow.Native;

namespace Mergeflow.PropertyTests;

/// <summary>Merged rules of UDP flows, as small as they come.</summary>
internal static class LitmusRules
{
    /// <summary>The header of flow <paramref name="flow"/>.</summary>
    public static FlowKey Key(int flow)
    {
        FlowKey k = default;
        k.InPort = Be32.FromHost(1);
        k.DlType = Be16.FromHost(EthType.Ip);
        k.NwProto = IpProto.Udp;
        k.TpSrc = Be16.FromHost((ushort)flow);
        return k;
    }

    /// <summary>A rule for it that goes through <paramref name="megaflows"/>.</summary>
    public static MergedFlow Rule(int flow, params int[] megaflows)
    {
        using MegaflowStore flows = new();
        Trace trace = new() { OriginalKey = Key(flow), OriginalLengthBytes = 100 };
        FlowKey mask = default;
        mask.InPort = mask.RecircId = new Be32(~0u);
        mask.DlType = mask.TpSrc = new Be16(0xffff);
        mask.NwProto = 0xff;
        mask.NwFrag = (NwFrag)0xff;
        for (int pass = 0; pass < megaflows.Length; pass++)
        {
            FlowKey seen = Key(flow);
            seen.RecircId = Be32.FromHost((uint)pass);
            bool isLast = pass == megaflows.Length - 1;
            flows.Set(megaflows[pass], 1, seen, mask, isLast ? new DpAction { Op = DpOp.Output, Port = 2 } : new DpAction { Op = DpOp.Recirc, RecircId = (uint)pass + 1 });
            trace.Passes[trace.PassCount++] = new TracePass { MegaflowId = megaflows[pass], Generation = 1, LengthBytes = 100 };
        }

        MergedFlow rule = new(flow);
        TraceMerger merger = new(flows);
        return merger.TryMerge(trace, rule) ? rule : throw new InvalidOperationException(merger.Refusal.ToString());
    }
}
