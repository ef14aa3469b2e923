using Mergeflow.Engine.Keys;
using Mergeflow.Engine.Telemetry;
using Mergeflow.Native;

namespace Mergeflow.Engine.Offload;

/// <summary>MPLS: labels hide the network header behind them.</summary>
public sealed unsafe partial class TraceMerger
{
    private static bool IsMpls(ushort ethType) => ethType is EthType.Mpls or EthType.MplsMcast;

    private bool PinLabel(ref SymbolicHeader h)
    {
        FlowKey pin = default;
        pin.DlType = new Be16(0xffff);
        pin.MplsLse0 = new Be32(~0u);
        if (!PullBack(ref h, ref pin)) return false;
        return (IsMpls(h.Current.DlType.Host) && h.Current.MplsLse0.Raw != 0) || Refuse(OffloadReason.Malformed, "no label");
    }

    private bool SetMpls(ref SymbolicHeader h, uint lse, uint mask)
    {
        if (!PinLabel(ref h)) return false;
        h.Mpls.Set(lse, mask);
        h.Current.MplsLse0 = Be32.FromHost((h.Current.MplsLse0.Host & ~mask) | (lse & mask));
        return true;
    }

    private bool PushMpls(ref SymbolicHeader h, ushort ethType, uint lse)
    {
        FlowKey pin = default;
        pin.DlType = new Be16(0xffff);
        if (!PullBack(ref h, ref pin)) return false;
        bool first = !IsMpls(h.Current.DlType.Host);
        if (h.Current.MplsLse2.Raw != 0 || !h.Mpls.Push(ethType, lse, h.Current.DlType.Host)) return Refuse(OffloadReason.UnsupportedAction, "push_mpls");
        if (first) h.NetworkHidden = true;

        h.Current.MplsLse2 = h.Current.MplsLse1;
        h.Current.MplsLse1 = h.Current.MplsLse0;
        h.Current.MplsLse0 = Be32.FromHost(lse);
        WriteType(ref h, ethType);
        h.LengthDeltaBytes += 4;
        return true;
    }

    private bool PopMpls(ref SymbolicHeader h, ushort ethType)
    {
        if (!PinLabel(ref h)) return false;
        bool original = h.Mpls.Pushes == 0;

        // A pushed label that comes off again leaves nothing behind, unless the pop says another type than the packet had.
        if (!original && h.Mpls.TypeBehindPush != ethType) return Refuse(OffloadReason.FunctionBits, "dl_type");
        if (!h.Mpls.Pop(ethType)) return Refuse(OffloadReason.UnsupportedAction, "pop_mpls");

        // Popping a label of the original packet uncovers a header that nobody has parsed.
        if (!IsMpls(ethType)) h.NetworkHidden = original;

        h.Current.MplsLse0 = h.Current.MplsLse1;
        h.Current.MplsLse1 = h.Current.MplsLse2;
        h.Current.MplsLse2 = default;
        WriteType(ref h, ethType);
        h.LengthDeltaBytes -= 4;
        return true;
    }

    private static void WriteType(ref SymbolicHeader h, ushort ethType)
    {
        h.Current.DlType = Be16.FromHost(ethType);
        h.Constant.DlType = new Be16(0xffff);
    }
}
