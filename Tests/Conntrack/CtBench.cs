using System.Net;
using Mergeflow.Native;
using Xunit;

namespace Mergeflow.Tests;

/// <summary>A tracker, a clock, and the two actions that pipelines are made of: look up, commit.</summary>
internal sealed class CtBench(ConntrackOptions? options = null) : IDisposable
{
    public const CtState New = CtState.Trk | CtState.New;
    public const CtState Est = CtState.Trk | CtState.Est;
    public const CtState EstReply = Est | CtState.Rpl;
    public const CtState Invalid = CtState.Trk | CtState.Inv;
    public const CtState Related = CtState.Trk | CtState.Rel;

    public ConntrackProbe Probe { get; } = new(options ?? new ConntrackOptions { Seed = 7, CapacityConnections = 4096 });

    public ConnTracker Ct => Probe.Conntrack;

    public long NowMs { get; set; } = 1000;

    public CtVerdict Last { get; private set; }

    /// <summary>The frame as it left the last action.</summary>
    public byte[] Frame { get; private set; } = [];

    public static DpCt Lookup(ushort zone = 1, bool nat = false) => new() { Zone = zone, Flags = nat ? DpCtFlags.Nat : DpCtFlags.None };

    public static DpCt Commit(ushort zone = 1, bool nat = false)
        => new() { Zone = zone, Flags = DpCtFlags.Commit | (nat ? DpCtFlags.Nat : DpCtFlags.None) };

    public static DpCt Nat(NatKind kind, string min, string? max = null, int portMin = 0, int portMax = 0, ushort zone = 1) => new()
    {
        Zone = zone,
        Flags = DpCtFlags.Commit | DpCtFlags.Nat,
        Nat = kind,
        NatAddrMin = Address(min),
        NatAddrMax = Address(max ?? min),
        NatPortMin = (ushort)portMin,
        NatPortMax = (ushort)(portMax == 0 ? portMin : portMax),
    };

    /// <summary>Sends a new packet through the actions, one after the other; the state after the last.</summary>
    public CtState Send(byte[] frame, params DpCt[] actions)
    {
        PacketRef packet = Probe.Receive(frame);
        foreach (DpCt action in actions.Length == 0 ? [Lookup()] : actions) Last = Probe.Execute(packet, action, NowMs);
        Assert.NotEqual(CtDisposition.Held, Last.Disposition);
        AssertKeyDescribesTheBytes(packet);
        CtState state = packet.Key.CtState;
        Frame = packet.Frame.ToArray();
        Probe.Return(packet);
        return state;
    }

    /// <summary>Opens a TCP connection 10.0.0.1:1000 -> 10.0.0.2:80 with three segments; both ends stand at sequence number 101 and 501.</summary>
    public void OpenTcp(ushort zone = 1)
    {
        Assert.Equal(New, Send(Forward(Frames.Syn, 100, 0), Commit(zone)));
        Assert.Equal(EstReply, Send(Backward(Frames.Syn | Frames.Ack, 500, 101), Lookup(zone)));
        Assert.Equal(Est, Send(Forward(Frames.Ack, 101, 501), Lookup(zone)));
    }

    public static byte[] Forward(byte flags, uint seq, uint ack, int payload = 0)
        => Frames.Tcp("10.0.0.1", 1000, "10.0.0.2", 80, flags, seq, ack, payload);

    public static byte[] Backward(byte flags, uint seq, uint ack, int payload = 0)
        => Frames.Tcp("10.0.0.2", 80, "10.0.0.1", 1000, flags, seq, ack, payload);

    public ConnInfo TheConnection() => Assert.Single(Ct.Snapshot(NowMs));

    public static Ipv6Address Address(string text)
    {
        byte[] bytes = new byte[16];
        IPAddress.Parse(text).GetAddressBytes().CopyTo(bytes, 0);
        return Ipv6Address.From(bytes);
    }

    /// <summary>"source:port > destination:port" of an IP frame.</summary>
    public static string Flow(ReadOnlySpan<byte> frame)
    {
        ReadOnlySpan<byte> ip = frame[14..];
        bool ipv6 = ip[0] >> 4 == 6;
        ReadOnlySpan<byte> l4 = ip[(ipv6 ? 40 : 20)..];
        var src = new IPAddress(ipv6 ? ip.Slice(8, 16) : ip.Slice(12, 4));
        var dst = new IPAddress(ipv6 ? ip.Slice(24, 16) : ip.Slice(16, 4));
        return $"{src}:{(l4[0] << 8) | l4[1]} > {dst}:{(l4[2] << 8) | l4[3]}";
    }

    public static bool AreChecksumsRight(ReadOnlySpan<byte> frame, byte proto)
    {
        ReadOnlySpan<byte> ip = frame[14..];
        bool ipv6 = ip[0] >> 4 == 6;
        if (!ipv6 && InternetChecksum.Compute(ip[..20]) != 0) return false;
        uint seed = proto == IpProto.Icmp ? 0 : ipv6 ? InternetChecksum.PseudoHeaderV6(ip) : InternetChecksum.PseudoHeaderV4(ip);
        return InternetChecksum.Fold(InternetChecksum.Sum(ip[(ipv6 ? 40 : 20)..], seed)) == 0;
    }

    public void Dispose() => Probe.Dispose();

    /// <summary>Whatever NAT did to the bytes, it did to the parsed key.</summary>
    private void AssertKeyDescribesTheBytes(PacketRef packet)
    {
        PacketRef again = Probe.Receive(packet.Frame);
        FlowKey got = packet.WholeKey(), want = again.WholeKey();
        want.CtState = got.CtState;
        want.CtZone = got.CtZone;
        want.CtMark = got.CtMark;
        FlowKey.Lane(ref want, 3) = FlowKey.Lane(ref got, 3);
        FlowKey.Lane(ref want, 8) = FlowKey.Lane(ref got, 8);
        Assert.True(FlowKey.Same(ref want, ref got));
        Probe.Return(again);
    }
}
