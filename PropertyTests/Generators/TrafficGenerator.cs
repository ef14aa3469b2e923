namespace Mergeflow.PropertyTests;

/// <summary>Input for a set of rules: conversations through the switch, noise around them, a clock that sometimes jumps, changes of rules.</summary>
internal sealed class TrafficGenerator(Chance chance, PipelineGenerator rules)
{
    private readonly List<Talk> _talks = [];
    private uint _missingPort;
    private long _nowMs;

    /// <summary>
    /// Up to <paramref name="count"/> events. The reference model runs along, so that servers can answer what reached them; where it becomes
    /// ambiguous the case ends.
    /// </summary>
    public FuzzCase Fill(FuzzCase @case, int count)
    {
        var run = new ReferenceRun(@case);
        List<FuzzEvent> events = [];
        for (int i = 0; i < count; i++)
        {
            Talk? talk = null;
            bool fromClient = false;
            FuzzEvent e = chance.OneIn(60) ? Control() : Packet(out talk, out fromClient);
            IReadOnlyList<(uint Port, byte[] Frame)> sent;
            try
            {
                sent = run.Step(e);
            }
            catch (Exception refused) when (refused is NotSupportedException or Engine.Text.FlowTextException or Engine.OpenFlow.FlowModException)
            {
                break;
            }

            if (run.Ambiguity is not null) break;
            events.Add(e);
            if (fromClient && sent.Count > 0) talk!.Saw(sent[0].Port, sent[0].Frame);
        }

        return @case with { Events = events };
    }

    private FuzzEvent Packet(out Talk? talk, out bool fromClient)
    {
        Advance();
        talk = null;
        fromClient = false;
        if (chance.OneIn(6)) return new FuzzEvent(_nowMs, FuzzOp.Packet) { Port = chance.Of(Domain.Ports), Frame = Noise() };
        if (_talks.Count < 3 || chance.OneIn(12)) _talks.Add(NewTalk());
        if (_talks.Count > 8) _talks.RemoveAt(chance.Below(4));
        talk = chance.Of(_talks);
        (uint port, byte[] frame, fromClient) = talk.Next();
        return new FuzzEvent(_nowMs, FuzzOp.Packet) { Port = port, Frame = frame };
    }

    private void Advance()
    {
        _nowMs += chance.Weighted((60, 0), (20, 1), (10, 10), (3, 700), (1, 10_000), (1, 29_999), (1, 30_000), (1, 61_000));
    }

    private FuzzEvent Control()
    {
        Advance();
        return chance.Below(8) switch
        {
            0 => new FuzzEvent(_nowMs, FuzzOp.FlushConntrack) { Zone = chance.OneIn(2) ? null : chance.Of(Domain.Zones) },
            1 => new FuzzEvent(_nowMs, FuzzOp.Tick),
            2 => new FuzzEvent(_nowMs, FuzzOp.GroupMod) { Lines = [chance.Of(rules.Groups())] },
            3 => TogglePort(),
            _ => new FuzzEvent(_nowMs, FuzzOp.FlowMods) { Lines = [rules.Modification()] },
        };
    }

    /// <summary>At most one port is missing at a time.</summary>
    private FuzzEvent TogglePort()
    {
        if (_missingPort != 0)
        {
            uint back = _missingPort;
            _missingPort = 0;
            return new FuzzEvent(_nowMs, FuzzOp.PortUp) { Port = back };
        }

        _missingPort = chance.Of(Domain.Ports);
        return new FuzzEvent(_nowMs, FuzzOp.PortDown) { Port = _missingPort };
    }

    private Talk NewTalk()
    {
        bool isIpv6 = chance.OneIn(5);
        UInt128 src = isIpv6 ? chance.Of(Domain.Hosts6) : chance.Of(Domain.Hosts);
        UInt128 dst = isIpv6 ? chance.Of(Domain.Hosts6) : chance.OneIn(5) ? Domain.Virtual : chance.Of(Domain.Hosts);
        byte proto = (byte)chance.Weighted((6, 6), (4, 17), (2, isIpv6 ? 58 : 1), (1, 47));
        uint clientPort = chance.Of(Domain.Ports);
        var client = new FrameSpec
        {
            EthSrc = chance.Of(Domain.Macs[..4]),
            EthDst = chance.Of(Domain.Macs),
            Tags = chance.OneIn(6) ? Tags() : [],
            IsIpv6 = isIpv6,
            Src = src,
            Dst = dst,
            Proto = proto,
            SrcPort = chance.Of(Domain.L4Ports),
            DstPort = chance.Of(Domain.L4Ports),
            IcmpType = isIpv6 ? (byte)128 : chance.Of<byte>([8, 8, 8, 13]),
            IcmpId = (ushort)(1 + chance.Below(2)),
        };
        return new Talk(chance, client, clientPort, chance.Of(Domain.Ports));
    }

    private List<(ushort, ushort)> Tags()
    {
        int count = chance.Weighted((6, 1), (3, 2), (1, 3));
        return
        [
            .. Enumerable.Range(0, count).Select(_ => (chance.Of<ushort>([0x8100, 0x8100, 0x88a8]), (ushort)(chance.Of(Domain.Vids) | (chance.Of([0, 3, 5]) << 13)))),
        ];
    }

    /// <summary>Single packets: other protocols, fragments, cut and broken ones.</summary>
    private byte[] Noise()
    {
        bool isIpv6 = chance.OneIn(3);
        var s = new FrameSpec
        {
            EthSrc = chance.Of(Domain.Macs[..4]),
            EthDst = chance.Of(Domain.Macs),
            Tags = chance.OneIn(4) ? Tags() : [],
            IsIpv6 = isIpv6,
            Src = isIpv6 ? chance.Of(Domain.Hosts6) : chance.Of(Domain.Hosts),
            Dst = isIpv6 ? chance.Of(Domain.Hosts6) : chance.Of(Domain.Hosts),
            Proto = (byte)chance.Weighted((3, 6), (3, 17), (2, isIpv6 ? 58 : 1), (1, 47)),
            SrcPort = chance.Of(Domain.L4Ports),
            DstPort = chance.Of(Domain.L4Ports),
            TcpFlags = chance.Of([2, 16, 24, 18, 4, 17]),
            IcmpType = chance.Of<byte>([8, 0, 3, 128, 129, 13, 1, 135]),
            Payload = chance.Bytes(chance.Below(40)),
        };
        switch (chance.Below(7))
        {
            case 0:
                return FrameWriter.Arp(s with { IsIpv6 = false, Src = chance.Of(Domain.Hosts), Dst = chance.Of(Domain.Hosts) }, chance.Of<ushort>([1, 2, 3, 300]));
            case 1:
                return FrameWriter.NeighbourSolicit(s with { IsIpv6 = true, Src = chance.Of(Domain.Hosts6), Dst = chance.Of(Domain.Hosts6) });
            case 2:
                // More fragments follow: a last fragment would be held for ever.
                return FrameWriter.Write(s with { Fragment = isIpv6 ? chance.Of<ushort>([1, 9]) : chance.Of<ushort>([0x2000, 0x2001]) });
            case 3:
                byte[] whole = FrameWriter.Write(s);
                return whole[..Math.Max(14, whole.Length - chance.Below(whole.Length))];
            case 4:
                byte[] broken = FrameWriter.Write(s);
                for (int i = 0; i < 2; i++) broken[12 + chance.Below(broken.Length - 12)] ^= (byte)(1 << chance.Below(8));
                return broken;
            case 5:
                return [.. FrameWriter.Ethernet(s, chance.Of<ushort>([0x88cc, 0x0026, 0x88b5, 0x8137])), .. chance.Bytes(20 + chance.Below(30))];
            default:
                return FrameWriter.Write(s);
        }
    }
}
