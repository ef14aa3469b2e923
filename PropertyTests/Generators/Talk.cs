namespace Mergeflow.PropertyTests;

/// <summary>
/// Two ends that talk through the switch. The client always says the same tuple; the server answers what it saw last, so an answer goes to the
/// address that NAT made up.
/// </summary>
internal sealed class Talk
{
    private readonly Chance _chance;
    private readonly FrameSpec _client;
    private FrameSpec _server;
    private uint _clientSeq;
    private uint _serverSeq;
    private int _step;

    public Talk(Chance chance, FrameSpec client, uint clientPort, uint serverPort)
    {
        _chance = chance;
        _client = client;
        _server = Turned(client);
        (ClientPort, ServerPort) = (clientPort, serverPort);
        (_clientSeq, _serverSeq) = (chance.U32(), chance.U32());
    }

    public uint ClientPort { get; }

    /// <summary>Where the client's packets come out, as far as known.</summary>
    public uint ServerPort { get; private set; }

    /// <summary>The next frame and the port it is sent to the switch on.</summary>
    public (uint Port, byte[] Frame, bool FromClient) Next()
    {
        _step++;
        if (_chance.OneIn(14)) return Error();
        (bool fromClient, FrameSpec frame) = _client.Proto switch
        {
            6 => NextSegment(),
            1 or 58 => NextEcho(),
            _ => NextDatagram(),
        };
        return (fromClient ? ClientPort : ServerPort, FrameWriter.Write(Spoiled(frame)), fromClient);
    }

    /// <summary>The server learns what the client's packet looks like where it comes out.</summary>
    public void Saw(uint port, byte[] frame)
    {
        RefFlow f = ReferenceParser.Parse(frame).Flow;
        if (f.IsIpv6 != _client.IsIpv6 || !f.IsIp || f.U(RefField.Proto) != _client.Proto || f.U(RefField.Frag) != 0) return;
        ServerPort = port;
        _server = _server with
        {
            Src = f[f.IsIpv6 ? RefField.Ip6Dst : RefField.IpDst],
            Dst = f[f.IsIpv6 ? RefField.Ip6Src : RefField.IpSrc],
            SrcPort = (ushort)f[RefField.TpDst],
            DstPort = (ushort)f[RefField.TpSrc],
        };
    }

    private static FrameSpec Turned(FrameSpec s) => s with
    {
        EthSrc = s.EthDst,
        EthDst = s.EthSrc,
        Src = s.Dst,
        Dst = s.Src,
        SrcPort = s.DstPort,
        DstPort = s.SrcPort,
        IcmpType = s.IcmpType switch { 8 => 0, 128 => 129, _ => s.IcmpType },
    };

    /// <summary>A handshake, data both ways, a close, and again from the start; sometimes out of turn.</summary>
    private (bool FromClient, FrameSpec Frame) NextSegment()
    {
        const int Fin = 1, Syn = 2, Rst = 4, Psh = 8, Ack = 16;
        int turn = _chance.OneIn(12) ? _chance.Below(14) : (_step - 1) % 14;
        (bool client, int flags) = turn switch
        {
            0 => (true, Syn),
            1 => (false, Syn | Ack),
            2 => (true, Ack),
            10 => (_chance.OneIn(2), _chance.OneIn(2) ? Fin | Ack : Rst | Ack),
            11 => (false, Fin | Ack),
            12 => (true, Ack),
            _ => (_chance.OneIn(2), Psh | Ack),
        };
        if (_chance.OneIn(40)) flags = _chance.Of([0, Syn | Fin, Fin | Psh | 32, Rst, Syn | Ack | Ack, Ack]);
        byte[] payload = (flags & Psh) != 0 ? _chance.Bytes(1 + _chance.Below(20)) : [];
        uint seq = client ? _clientSeq : _serverSeq, ack = client ? _serverSeq : _clientSeq;
        if (_chance.OneIn(25)) seq += _chance.Of([5_000_000u, unchecked((uint)-3_000_000), 1u, unchecked((uint)-1)]);
        uint advance = (uint)payload.Length + ((flags & (Syn | Fin)) != 0 ? 1u : 0);
        if (client) _clientSeq += advance;
        else _serverSeq += advance;
        FrameSpec frame = (client ? _client : _server) with
        {
            TcpFlags = flags,
            Seq = seq,
            Ack = (flags & Ack) != 0 ? ack : 0,
            Payload = payload,
            Window = _chance.Of<ushort>([0xffff, 0xffff, 1000]),
            Scale = (flags & Syn) != 0 && !_chance.OneIn(3) ? _chance.Of([0, 7, 7, 14]) : null,
        };
        return (client, frame);
    }

    private (bool FromClient, FrameSpec Frame) NextDatagram()
    {
        bool client = _step < 2 || _chance.OneIn(2);
        return (client, (client ? _client : _server) with { Payload = _chance.Bytes(_chance.Below(12)), NoChecksum = !_client.IsIpv6 && _chance.OneIn(8) });
    }

    private (bool FromClient, FrameSpec Frame) NextEcho()
    {
        bool client = _step < 2 || _chance.OneIn(2);
        return (client, (client ? _client : _server) with { Payload = _chance.Bytes(_chance.Below(12)) });
    }

    /// <summary>An ICMP error from the other side about what this side has sent.</summary>
    private (uint Port, byte[] Frame, bool FromClient) Error()
    {
        bool aboutServer = _step > 2 && _chance.OneIn(3);
        FrameSpec about = aboutServer ? _server : Turned(_server);
        byte[] quoted = FrameWriter.Network(about with { Seq = _clientSeq, TcpFlags = 16, Payload = _chance.Bytes(8) });
        int keep = (about.IsIpv6 ? 40 : 20) + _chance.Of([8, 20, 20, 28, 7]);
        if (about.Proto == 6 && keep < 40) keep = (about.IsIpv6 ? 40 : 20) + 20;
        FrameSpec error = Turned(about) with
        {
            Proto = about.IsIpv6 ? (byte)58 : (byte)1,
            IcmpType = about.IsIpv6 ? _chance.Of<byte>([1, 3]) : _chance.Of<byte>([3, 11]),
            IcmpId = 0,
            Payload = quoted[..Math.Min(keep, quoted.Length)],
        };
        return (aboutServer ? ClientPort : ServerPort, FrameWriter.Write(Spoiled(error)), false);
    }

    private FrameSpec Spoiled(FrameSpec s)
    {
        if (_chance.OneIn(40)) s = s with { ChecksumError = 5 };
        if (_chance.OneIn(60)) s = s with { IpChecksumError = 7 };
        if (_chance.OneIn(30)) s = s with { Ttl = _chance.Of<byte>([0, 1, 2]) };
        if (_chance.OneIn(20)) s = s with { PaddingBytes = _chance.Below(9) };
        if (_chance.OneIn(20)) s = s with { Tos = (byte)_chance.Of(Domain.Tos) };
        if (_chance.OneIn(20)) s = s with { EthDst = _chance.Of(Domain.Macs) };
        return s;
    }
}
