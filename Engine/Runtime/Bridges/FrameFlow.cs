using Mergeflow.Engine.Keys;
using Mergeflow.Engine.Packets;
using Mergeflow.Native;

namespace Mergeflow.Engine.Runtime;

/// <summary>What the tables would see of a frame that did not come by a port.</summary>
public static class FrameFlow
{
    /// <summary>Behind this there is only payload.</summary>
    private const int LongestBytes = 65280;

    /// <summary>What the frame says, beside what is in no header.</summary>
    /// <param name="frame">From its Ethernet header on.</param>
    /// <param name="metadata">What is in no header.</param>
    /// <param name="vlanLimit">Tags that are looked at.</param>
    public static PipelineFlow Of(ReadOnlySpan<byte> frame, PipelineFlow metadata, int vlanLimit)
    {
        ReadOnlySpan<byte> shown = frame.Length > LongestBytes ? frame[..LongestBytes] : frame;
        using PacketPool pool = new(1, Math.Max(shown.Length, 64));
        PacketRef reference = pool.RentRef(shown, metadata.Key.InPort.Host);
        reference.LimitTags(vlanLimit);
        reference.Extract();
        PipelineFlow flow = default;
        flow.Key = reference.WholeKey();
        FlowKey mask = KeyMasks.Metadata, given = metadata.Key;
        FlowKey.And(ref given, ref mask, ref given);
        for (int i = 0; i < FlowKey.SizeBytes; i++) flow.Key.Bytes[i] |= given.Bytes[i];
        flow.Key.InPort = metadata.Key.InPort;
        return flow;
    }
}
