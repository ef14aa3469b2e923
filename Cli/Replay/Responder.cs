using System.Buffers.Binary;
using Mergeflow.Native;

namespace Mergeflow.Cli;

/// <summary>
/// Answers for who would have answered what the switch has sent: a capture holds replies to what the sender's packets were, while behind NAT replies go to what became
/// of them. The addresses and ports of such a reply (TCP and UDP) are rewritten to the other side of what left, and its checksums made right; nothing else changes.
/// An ICMP error quotes the packet that it is about: behind NAT it quotes that packet as it was translated, and goes to its sender (RFC 5508).
/// </summary>
internal sealed class Responder : IDisposable
{
    /// <summary>From a recorded reply to the one that a host would send.</summary>
    private readonly Dictionary<FlowTuple, FlowTuple> _answers = [];
    private readonly PacketPool _pool;
    private readonly FrameMender _mender;
    private FlowTuple? _asked;

    /// <param name="longestBytes">Longest frame.</param>
    public Responder(int longestBytes)
    {
        _pool = new PacketPool(1, Math.Max(2048, longestBytes));
        _mender = new FrameMender(longestBytes);
    }

    /// <summary>Frames that were rewritten.</summary>
    public long RewrittenCount { get; private set; }

    /// <summary>A frame of the capture is about to arrive: if it is such a reply or such an error, it becomes the right one.</summary>
    public void Receive(Span<byte> frame)
    {
        Headers headers = Parse(frame);
        _asked = TupleOf(headers);
        if (_asked is { } recorded) Answer(frame, headers, recorded);
        else if (IcmpQuote.Of(frame, headers.L4Bytes, headers.Key) is { } quote) Complain(frame, headers, quote);
    }

    /// <summary>What has become of the frame that arrived last.</summary>
    public void Send(ReadOnlySpan<byte> frame)
    {
        if (_asked is not { } asked || TupleOf(Parse(frame)) is not { } sent || sent == asked || _answers.ContainsKey(asked)) return;
        _answers[asked.Reversed] = sent.Reversed;
    }

    public void Dispose()
    {
        _mender.Dispose();
        _pool.Dispose();
    }

    private void Answer(Span<byte> frame, Headers headers, FlowTuple recorded)
    {
        if (!_answers.TryGetValue(recorded, out FlowTuple right)) return;
        int size = right.AddressBytes, at = headers.L3Bytes + (right.IsIpv6 ? 8 : 12);
        Address(frame.Slice(at, size), right.Source);
        Address(frame.Slice(at + size, size), right.Destination);
        BinaryPrimitives.WriteUInt16BigEndian(frame[headers.L4Bytes..], right.SourcePort);
        BinaryPrimitives.WriteUInt16BigEndian(frame[(headers.L4Bytes + 2)..], right.DestinationPort);
        _mender.Mend(frame);
        RewrittenCount++;
    }

    /// <summary>The error is about a packet that was translated: who complains has seen what became of it.</summary>
    private void Complain(Span<byte> frame, Headers headers, IcmpQuote quote)
    {
        FlowTuple asked = quote.Tuple;
        if (!_answers.TryGetValue(asked.Reversed, out FlowTuple answer)) return;
        FlowTuple sent = answer.Reversed;
        int size = sent.AddressBytes, at = headers.L3Bytes + (sent.IsIpv6 ? 8 : 12);
        quote.Rewrite(frame, sent);
        if (ReadAddress(frame.Slice(at, size)) == asked.Destination) Address(frame.Slice(at, size), sent.Destination);
        if (ReadAddress(frame.Slice(at + size, size)) == asked.Source) Address(frame.Slice(at + size, size), sent.Source);
        _mender.Mend(frame);
        RewrittenCount++;
    }

    private Headers Parse(ReadOnlySpan<byte> frame)
    {
        PacketRef packet = _pool.RentRef(frame, 1);
        packet.Extract();
        Headers headers = new(packet.Descriptor.L3Offset, packet.Descriptor.L4Offset, packet.WholeKey());
        _pool.Return(packet);
        return headers;
    }

    private static FlowTuple? TupleOf(in Headers headers)
    {
        FlowKey key = headers.Key;
        bool isIpv6 = key.DlType.Host == EthType.Ipv6;
        if (headers.L4Bytes == Packet.NoOffset || key.NwFrag != NwFrag.No || !(isIpv6 || key.DlType.Host == EthType.Ip) || key.NwProto is not (IpProto.Tcp or IpProto.Udp)) return null;
        return isIpv6
            ? new FlowTuple(true, key.NwProto, key.Ipv6Src.ToUInt128(), key.Ipv6Dst.ToUInt128(), key.TpSrc.Host, key.TpDst.Host)
            : new FlowTuple(false, key.NwProto, key.NwSrc.Host, key.NwDst.Host, key.TpSrc.Host, key.TpDst.Host);
    }

    private static UInt128 ReadAddress(ReadOnlySpan<byte> address) => address.Length == 16 ? BinaryPrimitives.ReadUInt128BigEndian(address) : BinaryPrimitives.ReadUInt32BigEndian(address);

    private static void Address(Span<byte> to, UInt128 address)
    {
        if (to.Length == 16) BinaryPrimitives.WriteUInt128BigEndian(to, address);
        else BinaryPrimitives.WriteUInt32BigEndian(to, (uint)address);
    }

    private readonly record struct Headers(int L3Bytes, int L4Bytes, FlowKey Key);
}
