using System.Buffers.Binary;
using Mergeflow.Native;

namespace Mergeflow.Cli;

/// <summary>
/// Answers for who would have answered what the switch has sent: a capture holds replies to what the sender's packets were, while behind NAT replies go to what became
/// of them. The addresses and ports of such a reply (TCP and UDP) are rewritten to the other side of what left, and its checksums made right; nothing else changes.
/// </summary>
internal sealed class Responder : IDisposable
{
    /// <summary>From a recorded reply to the one that a host would send.</summary>
    private readonly Dictionary<Tuple5, Tuple5> _answers = [];
    private readonly PacketPool _pool;
    private readonly FrameMender _mender;
    private Tuple5? _asked;

    /// <param name="longestBytes">Longest frame.</param>
    public Responder(int longestBytes)
    {
        _pool = new PacketPool(1, Math.Max(2048, longestBytes));
        _mender = new FrameMender(longestBytes);
    }

    /// <summary>Frames that were rewritten.</summary>
    public long RewrittenCount { get; private set; }

    /// <summary>A frame of the capture is about to arrive: if it is such a reply, it becomes the right one.</summary>
    public void Receive(Span<byte> frame)
    {
        _asked = TupleOf(frame, out int l3, out int l4);
        if (_asked is not { } recorded || !_answers.TryGetValue(recorded, out Tuple5 right)) return;
        int size = right.IsIpv6 ? 16 : 4, at = l3 + (right.IsIpv6 ? 8 : 12);
        Address(frame.Slice(at, size), right.Source);
        Address(frame.Slice(at + size, size), right.Destination);
        BinaryPrimitives.WriteUInt16BigEndian(frame[l4..], right.SourcePort);
        BinaryPrimitives.WriteUInt16BigEndian(frame[(l4 + 2)..], right.DestinationPort);
        _mender.Mend(frame);
        RewrittenCount++;
    }

    /// <summary>What has become of the frame that arrived last.</summary>
    public void Send(ReadOnlySpan<byte> frame)
    {
        if (_asked is not { } asked || TupleOf(frame, out _, out _) is not { } sent || sent == asked || _answers.ContainsKey(asked)) return;
        _answers[asked.Reversed] = sent.Reversed;
    }

    public void Dispose()
    {
        _mender.Dispose();
        _pool.Dispose();
    }

    private Tuple5? TupleOf(ReadOnlySpan<byte> frame, out int l3, out int l4)
    {
        PacketRef packet = _pool.RentRef(frame, 1);
        packet.Extract();
        (l3, l4) = (packet.Descriptor.L3Offset, packet.Descriptor.L4Offset);
        FlowKey key = packet.WholeKey();
        _pool.Return(packet);
        bool isIpv6 = key.DlType.Host == EthType.Ipv6;
        if (l4 == Packet.NoOffset || key.NwFrag != NwFrag.No || !(isIpv6 || key.DlType.Host == EthType.Ip) || key.NwProto is not (IpProto.Tcp or IpProto.Udp)) return null;
        return isIpv6
            ? new Tuple5(true, key.NwProto, key.Ipv6Src.ToUInt128(), key.Ipv6Dst.ToUInt128(), key.TpSrc.Host, key.TpDst.Host)
            : new Tuple5(false, key.NwProto, key.NwSrc.Host, key.NwDst.Host, key.TpSrc.Host, key.TpDst.Host);
    }

    private static void Address(Span<byte> to, UInt128 address)
    {
        if (to.Length == 16) BinaryPrimitives.WriteUInt128BigEndian(to, address);
        else BinaryPrimitives.WriteUInt32BigEndian(to, (uint)address);
    }

    private readonly record struct Tuple5(bool IsIpv6, byte Protocol, UInt128 Source, UInt128 Destination, ushort SourcePort, ushort DestinationPort)
    {
        public Tuple5 Reversed => new(IsIpv6, Protocol, Destination, Source, DestinationPort, SourcePort);
    }
}
