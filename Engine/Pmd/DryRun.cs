using System.Runtime.CompilerServices;
using Mergeflow.Engine.Actions;
using Mergeflow.Engine.Conntrack;
using Mergeflow.Engine.Keys;
using Mergeflow.Engine.OpenFlow;
using Mergeflow.Engine.Packets;
using Mergeflow.Engine.Ports;
using Mergeflow.Engine.Upcall;
using Mergeflow.Engine.Xlate;
using Mergeflow.Native;

namespace Mergeflow.Engine.Pmd;

/// <summary>
/// What software would do with a packet, pass by pass, without doing it: translated by the tables as they are, not by megaflows, tracked without any effect on connections, sent nowhere, counted nowhere. For the
/// thread whose packets it takes the part of, between two batches.
/// </summary>
/// <param name="pipeline">The tables.</param>
/// <param name="recircs">Where translations are put aside.</param>
/// <param name="conntrack">The thread's.</param>
/// <param name="pool">The thread's.</param>
/// <param name="ports">The thread's.</param>
/// <param name="hashKey">As the thread has it, see <see cref="PmdOptions.HashKey"/>.</param>
/// <param name="oneTag">As the thread has it, see <see cref="PmdOptions.OneTag"/>.</param>
internal sealed unsafe class DryRun(OfPipeline pipeline, RecircStore recircs, ConnThread conntrack, PacketPool pool, PortTable ports, ulong hashKey, bool oneTag) : IDisposable
{
    private readonly Translator _translator = new(pipeline, recircs) { Learns = false, LearnsRules = false };
    private readonly TranslationPool _translations = new(4);
    private readonly List<DryOutput> _outputs = [];
    private long _nowMs;
    private int _depth;
    private bool _isPartialInside;
    private (int At, ushort Value)? _unfinished;

    /// <summary>What left, in order.</summary>
    public IReadOnlyList<DryOutput> Outputs => _outputs;

    /// <summary>What the packet would do that no rule of a device does; null = nothing of the kind.</summary>
    public string? Effect { get; private set; }

    /// <summary>The packet came out of a tunnel.</summary>
    public bool IsInside { get; private set; }

    /// <summary>
    /// What stands in the transport checksum of a frame that has come: nothing in a frame tells an unfinished one from a wrong one, nor from a right one where the sum of the pseudo-header is
    /// the checksum, too (1 in 65,536). The first is the likeliest.
    /// </summary>
    public IReadOnlyList<bool> IsPartial(ReadOnlySpan<byte> frame, int lengthBytes, int segmentBytes)
    {
        Packet* p = Load(frame, lengthBytes, 0);
        if (p == null) return [];
        PacketChecksums.Verify(p);
        bool isGood = segmentBytes == 0 && (p->Flags & PacketFlags.L4CsumBad) == 0, isBoth = isGood && IsPseudoHeaderSum(p);
        pool.Return(p);
        return isBoth ? [false, true] : isGood ? [false] : [true, false];
    }

    /// <summary>Runs a frame whose checksums count as good, as a device takes them.</summary>
    /// <param name="frame">As it came, its tags in it; what is missing behind it is zero.</param>
    /// <param name="lengthBytes">Its length.</param>
    /// <param name="inPort">Port that it came in by.</param>
    /// <param name="segmentBytes">Payload of the frames that it is cut into; 0 = it is no super-frame.</param>
    /// <param name="isPartial">Its transport checksum is unfinished.</param>
    /// <param name="nowMs">Time.</param>
    /// <param name="isPartialInside">That of what is in a tunnel is.</param>
    /// <returns>False if there is no memory for it, or it is no frame.</returns>
    public bool Run(ReadOnlySpan<byte> frame, int lengthBytes, uint inPort, int segmentBytes, bool isPartial, long nowMs, bool isPartialInside = false)
    {
        _outputs.Clear();
        (Effect, _nowMs, _depth) = (null, nowMs, 0);
        (IsInside, _isPartialInside, _unfinished) = (false, isPartialInside, null);
        Packet* p = Load(frame, lengthBytes, inPort);
        if (p == null) return false;
        p->Flags |= PacketFlags.IpCsumGood | PacketFlags.L4CsumGood;
        if (isPartial && !EnterPartial(p))
        {
            pool.Return(p);
            return false;
        }

        p->GsoSizeBytes = (ushort)segmentBytes;
        Pass(p);
        return true;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _translator.Dispose();
        _translations.Dispose();
    }

    private Packet* Load(ReadOnlySpan<byte> frame, int lengthBytes, uint inPort)
    {
        Packet* p = pool.RentFor(lengthBytes);
        if (p == null) return null;
        byte* data = PacketPool.FrameOf(p);
        Span<byte> room = new(data, lengthBytes);
        frame[..Math.Min(frame.Length, lengthBytes)].CopyTo(room);
        room[Math.Min(frame.Length, lengthBytes)..].Clear();
        PacketPool.Reset(p, data, lengthBytes, PacketPool.HeadroomSizeBytes, inPort);
        if (oneTag) p->Flags |= PacketFlags.OneTag;
        return p;
    }

    /// <summary>Whether the transport checksum is the sum of the pseudo-header; the packet is another one behind it.</summary>
    private static bool IsPseudoHeaderSum(Packet* p)
    {
        MiniflowExtractor.EnsureParsed(p);
        if (p->L4Offset == Packet.NoOffset || p->Key.NwProto is not (IpProto.Tcp or IpProto.Udp)) return false;
        int at = p->L4Offset + (p->Key.NwProto == IpProto.Tcp ? 16 : 6);
        if (at + sizeof(ushort) > p->LengthBytes) return false;
        ushort stands = Unsafe.ReadUnaligned<ushort>(p->Data + at);
        return PartialChecksum.TryBegin(p) && PartialChecksum.WireValue(p) == stands;
    }

    /// <summary>What stands in the transport checksum is the sum of the pseudo-header.</summary>
    private static bool EnterPartial(Packet* p)
    {
        MiniflowExtractor.EnsureParsed(p);
        if (p->L4Offset == Packet.NoOffset || p->Key.NwProto is not (IpProto.Tcp or IpProto.Udp)) return false;
        return PartialChecksum.TryEnter(p, p->L4Offset, p->Key.NwProto == IpProto.Tcp ? 16 : 6);
    }

    /// <summary>One pass; the packet is consumed.</summary>
    private void Pass(Packet* p)
    {
        if (_depth++ > PmdThread.MaxRecircDepth)
        {
            Effect ??= "recirculates too often";
            pool.Return(p);
            return;
        }

        MiniflowExtractor.EnsureCurrent(p);
        FlowKey key = UpcallHandler.ExpandKey(p);
        XlateResult result = _translations.Rent();
        _translator.Translate(ref key, p->LengthBytes, result, _nowMs);
        Execute(p, result.Records, result.Count);
        _translations.Return(result);
        _depth--;
    }

    /// <summary>Runs records; the packet is consumed.</summary>
    private void Execute(Packet* p, DpAction* a, int count)
    {
        for (int i = 0; i < count && Effect is null; i++)
        {
            DpAction* act = a + i;
            switch (act->Op)
            {
                case DpOp.Output:
                    Send(p, act->Port);
                    break;
                case DpOp.Ct:
                    Effect = conntrack.DryRun(p, in act->Ct, _nowMs);
                    break;
                case DpOp.CtClear:
                    ConnThread.Clear(p);
                    break;
                case DpOp.Recirc:
                    MiniflowExtractor.EnsureCurrent(p);
                    Packet* again = i == count - 1 ? p : pool.Clone(p);
                    if (again == null) Effect = "no memory for a copy";
                    else
                    {
                        PacketMetadata.SetRecircId(again, act->RecircId);
                        Pass(again);
                    }

                    if (again == p) return;
                    break;
                case DpOp.Hash:
                    MiniflowExtractor.EnsureCurrent(p);
                    PacketMetadata.SetDpHash(p, DpHashFunction.Compute(p, act->Hash, hashKey));
                    break;
                case DpOp.Clone:
                    Packet* copy = pool.Clone(p);
                    if (copy == null) Effect = "no memory for a copy";
                    else Execute(copy, act + 1, act->NestedCount);
                    i += act->NestedCount;
                    break;
                case DpOp.Drop:
                    count = 0;
                    break;
                case DpOp.TnlPop:
                    if (TakeOff(p, act)) Pass(p);
                    else pool.Return(p);
                    return;
                case DpOp.TnlPush:
                    if (!PutOn(p, act)) Effect = "no headroom";
                    break;
                case DpOp.SetIpv6Addr:
                    PacketEdit.SetIpv6Addr(p, act->Ipv6, conntrack.Quirks.LeavesAtomicChecksums);
                    break;
                case DpOp.Sample or DpOp.CheckPktLen or DpOp.Truncate or DpOp.Meter or DpOp.Userspace or DpOp.AddMpls or DpOp.PushEth or DpOp.PopEth:
                    Effect = $"goes through {act->Op}";
                    break;
                default:
                    if (!PacketEdit.Apply(p, act)) Effect = "no headroom";
                    break;
            }
        }

        pool.Return(p);
    }

    /// <summary>False if software would drop it.</summary>
    private bool TakeOff(Packet* p, DpAction* act)
    {
        // An unfinished one outside goes with what it is in.
        p->Flags &= ~PacketFlags.CsumPartial;
        if (ports[act->Port]->Exists == 0 || !TunnelCodec.TryPop(p, act->TunnelKind, act->Option)) return false;
        IsInside = true;
        PacketMetadata.SetInPort(p, act->Port);
        if (_isPartialInside && !EnterPartial(p)) return false;
        p->Flags |= PacketFlags.IpCsumGood | PacketFlags.L4CsumGood;
        return true;
    }

    /// <summary>A device leaves a checksum inside as unfinished as it came.</summary>
    private bool PutOn(Packet* p, DpAction* act)
    {
        _unfinished = null;
        MiniflowExtractor.EnsureParsed(p);
        uint hash = DpHashFunction.Compute(p, default, key: 0);
        if ((p->Flags & PacketFlags.CsumPartial) != 0)
        {
            _unfinished = (act->Push.LengthBytes + PartialChecksum.StartOf(p) + p->CsumOffset, PartialChecksum.WireValue(p));
            PartialChecksum.Complete(p);
        }

        return TunnelCodec.Push(p, act->Push, hash);
    }

    private void Send(Packet* p, uint port)
    {
        if (ports[port]->Exists == 0) return;
        byte[] frame = new ReadOnlySpan<byte>(p->Data, p->LengthBytes).ToArray();
        int sumAt = p->L4Offset == Packet.NoOffset || p->Key.NwProto is not (IpProto.Tcp or IpProto.Udp) ? -1 : p->L4Offset + (p->Key.NwProto == IpProto.Tcp ? 16 : 6);
        if ((p->Flags & PacketFlags.CsumPartial) != 0)
        {
            sumAt = PartialChecksum.StartOf(p) + p->CsumOffset;
            BitConverter.TryWriteBytes(frame.AsSpan(sumAt), PartialChecksum.WireValue(p));
        }

        if (_unfinished is { } inside) BitConverter.TryWriteBytes(frame.AsSpan(inside.At), inside.Value);
        _outputs.Add(new DryOutput(port, frame, sumAt));
    }
}

/// <summary>A frame that would have left.</summary>
/// <param name="Port">By this port.</param>
/// <param name="Frame">As it is on the wire; an unfinished checksum is the sum of the pseudo-header.</param>
/// <param name="SumAt">Where the checksum of TCP or UDP stands; -1 = there is none.</param>
internal readonly record struct DryOutput(uint Port, byte[] Frame, int SumAt);
