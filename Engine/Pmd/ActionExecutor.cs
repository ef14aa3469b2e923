using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Mergeflow.Engine.Actions;
using Mergeflow.Engine.Conntrack;
using Mergeflow.Engine.Keys;
using Mergeflow.Engine.Lookup;
using Mergeflow.Engine.Offload;
using Mergeflow.Engine.Packets;
using Mergeflow.Engine.Ports;
using Mergeflow.Engine.Telemetry;
using Mergeflow.Engine.Upcall;

namespace Mergeflow.Engine.Pmd;

/// <summary>
/// What a packet goes through once its megaflow is known, pass by pass: counted, rewritten, sent, tracked, recirculated (OVS
/// <c>odp_execute_actions</c> and <c>dp_execute_cb</c>). The only place that runs datapath actions. One packet: this file; packets that conntrack releases together: <c>.Released</c>; encapsulation: <c>.Tunnels</c>; how packets end: <c>.Ends</c>; what is recorded on the way: <c>.Trace</c>; upcalls on handler threads: <c>.Parked</c>.
/// </summary>
/// <remarks>What the packet path writes per packet is here, in one object: the packet thread's loops take it into a register.</remarks>
internal sealed unsafe partial class ActionExecutor
{
    private readonly MegaflowLookup _lookup;
    private readonly UpcallHandler _upcall;
    private readonly ConnThread _conntrack;
    private readonly MeterTable _meters;
    private readonly PacketPool _pool;
    private readonly IPacketSink? _sink;
    private readonly ulong _hashKey;
    private readonly PacketInRing? _packetIns;
    private XorShift _random;

    /// <summary>Ports and their counters.</summary>
    public PortTable Ports { get; } = new();

    /// <summary>Counters of the packet thread.</summary>
    public PmdStats Stats;

    /// <summary>Time of the batch, ms.</summary>
    public long NowMs;

    /// <summary>Conntrack hash of the packet as it came in, for its first ct action; 0 = not known.</summary>
    public ulong CtHash;

    /// <summary>What stages are measured by; null unless they are.</summary>
    public StageTimes? Stages;

    public ActionExecutor(PmdOptions options, MegaflowLookup lookup, UpcallHandler upcall, ConnThread conntrack, IPacketSink? sink)
    {
        ArgumentOutOfRangeException.ThrowIfZero(options.RandomSeed, nameof(options));
        _lookup = lookup;
        _upcall = upcall;
        _conntrack = conntrack;
        _meters = options.Meters;
        _packetIns = options.PacketIns;
        _random = new XorShift(options.RandomSeed);
        _hashKey = options.HashKey;
        _pool = options.Pool;
        _sink = sink;
        _offload = options.Offload;
        _parked = options.Parked;
    }

    /// <summary>One pass: classify if <paramref name="hot"/> is null, count, execute. The packet is consumed.</summary>
    public void RunPass<T>(Packet* p, MegaflowHot* hot)
        where T : struct, IStageMarks
    {
        if (hot == null)
        {
            PmdStage outer = Fine<T>(PmdStage.Emc);
            hot = _lookup.Find<T>(p, ref Stats);
            if (hot == null)
            {
                RunMissed<T>(p, outer);
                return;
            }

            Fine<T>(outer);
        }

        Stats.Passes++;
        MegaflowHot.CountHit(hot, p, (uint)p->LengthBytes, NowMs);
        int outerPass = _tracePass;
        if (_trace is not null) _tracePass = PmdOffload.AddPass(_trace, hot->Id, hot->Generation, p->LengthBytes);
        switch (hot->Shape)
        {
            case ProgramShape.OutputOnly:
                Transmit<T>(p, hot->OutPort);
                End(p);
                break;
            case ProgramShape.Drop:
                Drop(p);
                break;
            default:
                Execute<T>(p, hot->Actions, hot->ActionCount);
                break;
        }

        _tracePass = outerPass;
    }

    /// <summary>A pass that no table knows: an upcall makes the megaflow, and it is published when the packet is through. Apart, so that hits pay nothing for it.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private void RunMissed<T>(Packet* p, PmdStage outer)
        where T : struct, IStageMarks
    {
        if (_parked is not null && _nested == 0)
        {
            Park(p);
            return;
        }

        Fine<T>(PmdStage.Upcall);
        Stats.Upcalls++;
        Megaflow? made = _upcall.Handle(p, NowMs);
        Fine<T>(outer);
        RunMade<T>(p, made);
    }

    /// <summary>The packet goes on by the megaflow that its upcall has made, or by a translation that found no room.</summary>
    private void RunMade<T>(Packet* p, Megaflow? made)
        where T : struct, IStageMarks
    {
        ulong published = _upcall.Published;
        if (made is null)
        {
            Stats.Passes++;
            Stats.UpcallsUninstalled++;
            RunUninstalled<T>(p);
            return;
        }

        if (_lookup.KeepsMade)
        {
            RunKept<T>(p, made, published);
            return;
        }

        RunPass<T>(p, made.Hot);
        _upcall.Publish(made, published);
    }

    /// <summary>The same, and the packet as it came gets an entry in the cache, which publishing may have emptied.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private void RunKept<T>(Packet* p, Megaflow made, ulong published)
        where T : struct, IStageMarks
    {
        Vector256<byte> link = FlowKey.Lane(ref p->Key, Lanes.Link), network = FlowKey.Lane(ref p->Key, Lanes.Network);
        (uint lanes, int id, uint generation) = (p->KeyLanes, made.Hot->Id, made.Hot->Generation);
        RunPass<T>(p, made.Hot);
        _upcall.Publish(made, published);
        _lookup.Keep(link, network, lanes, id, generation);
    }

    /// <summary>The flow table is full: the packet takes the translation over and runs from it, as the upcalls of its later passes need another.</summary>
    private void RunUninstalled<T>(Packet* p)
        where T : struct, IStageMarks
    {
        StopTrace(OffloadReason.MegaflowFromSlowPath, "flow limit");
        UninstalledProgram program = _upcall.TakeProgram();
        Execute<T>(p, program.Actions, program.Count);
        _upcall.Return(in program);
    }

    /// <summary>Runs <paramref name="count"/> records and consumes the packet.</summary>
    public void Execute<T>(Packet* p, DpAction* a, int count)
        where T : struct, IStageMarks
    {
        if (count == 0) Drop(p);
        else if (Run<T>(p, a, count)) End(p);
    }

    /// <summary>The same for a copy, while the packet waits to go on: see <see cref="_nested"/>.</summary>
    public void ExecuteCopy<T>(Packet* p, DpAction* a, int count)
        where T : struct, IStageMarks
    {
        _nested++;
        Execute<T>(p, a, count);
        _nested--;
    }

    /// <summary>Runs <paramref name="count"/> records; false if they consumed the packet.</summary>
    private bool Run<T>(Packet* p, DpAction* a, int count)
        where T : struct, IStageMarks
    {
        for (int i = 0; i < count; i++)
        {
            DpAction* act = a + i;
            switch (act->Op)
            {
                case DpOp.Output:
                    Transmit<T>(p, act->Port);
                    break;
                case DpOp.Ct:
                    if (!RunCt<T>(p, act, count - i - 1)) return false;
                    break;
                case DpOp.CtClear:
                    ConnThread.Clear(p);
                    break;
                case DpOp.Recirc:
                    if (i == count - 1)
                    {
                        Recirculate<T>(p, act->RecircId);
                        return false;
                    }
                    Packet* again = CloneOf(p);
                    if (again == null) break;
                    _nested++;
                    Recirculate<T>(again, act->RecircId);
                    _nested--;
                    break;
                case DpOp.Hash:
                    RunHash(p, act);
                    break;
                case DpOp.Clone:
                    if (CloneOf(p) is var copy && copy != null) ExecuteCopy<T>(copy, act + 1, act->NestedCount);
                    i += act->NestedCount;
                    break;
                case DpOp.Sample:
                    StopTrace(OffloadReason.UnsupportedAction, "sample");
                    if ((act->Probability == uint.MaxValue || _random.Next() < act->Probability) && CloneOf(p) is var sampled && sampled != null) ExecuteCopy<T>(sampled, act + 1, act->NestedCount);
                    i += act->NestedCount;
                    break;
                case DpOp.CheckPktLen:
                    StopTrace(OffloadReason.LengthDependent, "check_pkt_len");
                    RunCheckPktLen<T>(p, act);
                    i += act->NestedCount + act->ElseCount;
                    break;
                case DpOp.Truncate:
                    StopTrace(OffloadReason.LengthDependent, "trunc");
                    PacketEdit.Truncate(p, act->LengthBytes);
                    break;
                case DpOp.Meter:
                    StopTrace(OffloadReason.UnsupportedAction, "meter");
                    if (!_meters.Admit(act->MeterId, p->LengthBytes, NowMs))
                    {
                        Stats.DroppedByMeter++;
                        Drop(p);
                        return false;
                    }
                    break;
                case DpOp.Userspace:
                    StopTrace(OffloadReason.UnsupportedAction, "userspace");
                    if (IsCutUp<T>(p, act, count - i)) return false;
                    Tell(p, act);
                    break;
                case DpOp.Drop:
                    Drop(p);
                    return false;
                case DpOp.TnlPop:
                    if (!SuperFrame.IsTunnelled(p) && IsCutUp<T>(p, act, count - i)) return false;
                    PopTunnel<T>(p, act);
                    return false;
                case DpOp.PushMpls or DpOp.PopMpls:
                    if (IsCutUp<T>(p, act, count - i)) return false;
                    goto default;
                case DpOp.AddMpls or DpOp.PushEth or DpOp.PopEth:
                    StopTrace(OffloadReason.UnsupportedAction, TraceMerger.NameOf(act->Op));
                    if (IsCutUp<T>(p, act, count - i)) return false;
                    goto default;
                case DpOp.TnlPush:
                    if (IsCutUp<T>(p, act, count - i)) return false;
                    if (!PushTunnel(p, act))
                    {
                        Stats.DroppedByTunnel++;
                        Drop(p);
                        return false;
                    }
                    break;
                case DpOp.SetIpv6Addr:
                    PacketEdit.SetIpv6Addr(p, act->Ipv6, _conntrack.Quirks.LeavesAtomicChecksums);
                    break;
                default:
                    if (!PacketEdit.Apply(p, act))
                    {
                        StopTrace(OffloadReason.UnsupportedAction, "no headroom");
                        Stats.DroppedByAction++;
                        Drop(p);
                        return false;
                    }
                    break;
            }
        }

        return true;
    }

    /// <summary>Runs a ct record; false if the packet is not to go on with this list (held, or its list was finished for it).</summary>
    private bool RunCt<T>(Packet* p, DpAction* act, int restCount)
        where T : struct, IStageMarks
    {
        MiniflowExtractor.EnsureParsed(p);
        ulong hash = CtHash;
        CtHash = 0;
        PmdStage outer = Fine<T>(PmdStage.Conntrack);
        _conntrack.Execute(p, in act->Ct, NowMs, hash, out CtVerdict verdict);
        Fine<T>(outer);
        if (_trace != null) RecordCt(p, ref verdict);
        switch (verdict.Disposition)
        {
            case CtDisposition.Continue:
                return true;
            case CtDisposition.Held:
                return false;
            default:
                RunReleased<T>(p->EventIndex, p->RecircDepth, p->Key.DlType, p->Flags, act + 1, restCount);
                return false;
        }
    }

    private void Recirculate<T>(Packet* p, uint recircId)
        where T : struct, IStageMarks
    {
        if (EnterRecirculation(p, recircId)) RunPass<T>(p, null);
    }

    /// <summary>The packet is to be looked up again; false if it has been too often, then it is dropped.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private bool EnterRecirculation(Packet* p, uint recircId)
    {
        if (p->RecircDepth >= PmdThread.MaxRecircDepth)
        {
            Stats.RecircTooDeep++;
            StopTrace(OffloadReason.TraceTooDeep, "recirc");
            Drop(p);
            return false;
        }

        Stats.Recirculations++;
        p->RecircDepth++;
        MiniflowExtractor.EnsureCurrent(p);
        PacketMetadata.SetRecircId(p, recircId);
        return true;
    }

    /// <summary>An output action: as much of the packet as is to be sent, if the port exists. The packet may go on.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void Transmit<T>(Packet* p, uint port)
        where T : struct, IStageMarks
    {
        PmdStage outer = Fine<T>(PmdStage.Transmit);
        Send(p, port);
        Fine<T>(outer);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void Send(Packet* p, uint port)
    {
        PortTable.PortHot* hot = Ports[port];
        if (hot->Exists == 0)
        {
            Stats.TxNoPort++;
            return;
        }

        int length = p->LengthBytes;
        if (p->TruncateBytes != 0)
        {
            length = Math.Min(length, p->TruncateBytes);
            p->TruncateBytes = 0;
        }

        TransmitTail.Send(_sink, p, port, hot, (ulong)length, ref Stats.Tx, ref Stats.TxBytes);
    }

    /// <summary>A copy for control, with the metadata that the packet has now.</summary>
    private void Tell(Packet* p, DpAction* act)
    {
        Stats.ToController++;
        if (_packetIns is null) return;
        MiniflowExtractor.EnsureCurrent(p);
        _packetIns.Add(p, in act->Userspace);
    }

    private void RunHash(Packet* p, DpAction* act)
    {
        MiniflowExtractor.EnsureCurrent(p);
        uint hash = DpHashFunction.Compute(p, act->Hash, _hashKey);
        PacketMetadata.SetDpHash(p, hash);
        RecordHash(hash);
    }

    private void RunCheckPktLen<T>(Packet* p, DpAction* act)
        where T : struct, IStageMarks
    {
        bool larger = SuperFrame.WireLengthBytes(p) > act->LengthBytes;
        int count = larger ? act->NestedCount : act->ElseCount;
        if (count == 0) return;
        Packet* copy = CloneOf(p);
        if (copy != null) ExecuteCopy<T>(copy, larger ? act + 1 : act + 1 + act->NestedCount, count);
    }

    /// <summary>One packet enters a stage, if this batch is marked packet by packet; returns the stage that it leaves.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private PmdStage Fine<T>(PmdStage stage)
        where T : struct, IStageMarks
        => T.IsOn ? StageMarks.Fine(Stages!, stage) : stage;
}
