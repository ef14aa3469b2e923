using System.Runtime.Intrinsics;
using Mergeflow.Engine.Actions;
using Mergeflow.Engine.Keys;
using Mergeflow.Engine.OpenFlow;
using Mergeflow.Engine.Packets;
using Mergeflow.Engine.Pmd;
using Mergeflow.Engine.Xlate;
using Mergeflow.Native;

namespace Mergeflow.Engine.Runtime;

/// <content>Packets between packet threads and controllers: what actions send up, what goes on, and what comes from above.</content>
public sealed partial class Datapath
{
    private readonly Continuations _continuations;

    /// <summary>Packets for control that found no room.</summary>
    public ulong PacketInsDropped => _pmds.Aggregate(0ul, static (sum, p) => sum + (p.PacketIns?.Dropped ?? 0));

    private readonly Lock _taking = new();
    private WakeLatch[] _takers = [];

    /// <summary>Packets wait to be taken.</summary>
    public bool HasPacketIns => Array.Exists(_pmds, static p => p.PacketIns is { HasPackets: true });

    /// <summary>Nothing that packet threads have sent to control so far waits for it, or is being handled: what it changes is changed. True also if nobody takes packets. By any thread.</summary>
    public bool IsToldAll => Volatile.Read(ref _takers).Length == 0 || Array.TrueForAll(_pmds, static p => p.PacketIns is not { } ring || ring.HandledBytes == ring.PublishedBytes);

    /// <summary>From now on packet threads wake who takes packets, if he sleeps; null = he does not.</summary>
    public void WakeForPacketIns(WakeLatch? latch)
    {
        foreach (PmdContext pmd in _pmds) pmd.PacketIns?.Latch = latch;
    }

    /// <summary>One more who takes packets, for all: of several that take turns the first one is woken.</summary>
    public void AddTaker(WakeLatch latch)
    {
        lock (_taking)
        {
            _takers = [.. _takers, latch];
            WakeForPacketIns(_takers[0]);
        }
    }

    /// <summary>He takes no more.</summary>
    public void RemoveTaker(WakeLatch latch)
    {
        lock (_taking)
        {
            _takers = [.. _takers.Where(t => t != latch)];
            WakeForPacketIns(_takers.Length == 0 ? null : _takers[0]);
        }
    }

    /// <inheritdoc cref="DatapathBridge.Collector"/>
    public Action<DpUserspace, byte[]>? Collector
    {
        get => Main.Collector;
        set => Main.Collector = value;
    }

    /// <inheritdoc cref="DatapathBridge.BfdReceiver"/>
    public Action<uint, byte[]>? BfdReceiver
    {
        get => Main.BfdReceiver;
        set => Main.BfdReceiver = value;
    }

    /// <inheritdoc cref="DatapathBridge.LacpReceiver"/>
    public Action<uint, byte[]>? LacpReceiver
    {
        get => Main.LacpReceiver;
        set => Main.LacpReceiver = value;
    }

    /// <summary>
    /// Hands over packets that actions have sent to control, at most <paramref name="most"/> of each packet thread; returns how many. Each goes to its bridge's receiver, else to <paramref name="each"/>. A packet whose
    /// metadata are gone, because it has waited too long and there are too many (<see cref="RecircStore.MostWaiting"/>), is not handed over.
    /// </summary>
    public int TakePacketIns(Action<PacketIn> each, int most = int.MaxValue)
    {
        lock (_taking) return TakeHere(each, most);
    }

    private int TakeHere(Action<PacketIn> each, int most)
    {
        int taken = 0;
        foreach (PmdContext pmd in _pmds)
        {
            if (pmd.PacketIns is not { } ring) continue;
            for (int i = 0; i < most && ring.TryTake(out PacketInHeader header, out byte[] frame); i++)
            {
                taken++;
                HandOver(in header, frame, each);
                ring.SetHandled();
            }
        }

        return taken;
    }

    private void HandOver(in PacketInHeader header, byte[] frame, Action<PacketIn> each)
    {
        if (header.Told.Reason == UserspaceReason.Controller)
        {
            if (PacketInOf(in header, frame) is { } packet) (packet.Bridge.PacketInReceiver ?? each)(packet);
            return;
        }

        ushort id = header.Told.Bridge;
        if (Array.Find(_bridges, b => b.Pipeline.Id == id) is not { } bridge) return;
        if (header.Told.Reason == UserspaceReason.Lacp) bridge.LacpReceiver?.Invoke(header.Told.OutputPort, frame);
        else if (header.Told.Reason == UserspaceReason.Multicast) bridge.Pipeline.Snoop(frame, header.Told.Vid, header.Told.OutputPort, Clock.LastMs);
        else if (header.Told.Reason == UserspaceReason.Bfd) bridge.BfdReceiver?.Invoke(header.Told.OutputPort, frame);
        else bridge.Collector?.Invoke(header.Told, frame);
    }

    /// <summary>
    /// A controller lets a packet go on, which it may have changed, with metadata that it may have changed (OVS <c>NXT_RESUME</c>). False if nobody knows any more where it was:
    /// <c>NXR_STALE</c>.
    /// </summary>
    /// <param name="continuation">From <see cref="PacketIn.Continuation"/>.</param>
    /// <param name="frame">The packet.</param>
    /// <param name="flow">Metadata: <c>in_port</c>, registers, tunnel, <c>ct_*</c> and marks.</param>
    /// <param name="nowMs">Time.</param>
    public bool Resume(ReadOnlySpan<byte> continuation, byte[] frame, PipelineFlow flow, long nowMs)
    {
        if (_continuations.Find(continuation) is not { } state) return false;
        Run(new FrozenState
        {
            Bridge = state.Bridge,
            IsResumed = true,
            Table = 0,
            Conntracked = state.Conntracked,
            WasMpls = false,
            HasDpHash = false,
            Mirrored = state.Mirrored,
            Lanes = FrozenLanes.Of(ref flow),
            Stack = state.Stack,
            ActionSet = state.ActionSet,
            Ops = state.Ops,
        }, frame, flow, nowMs);
        return true;
    }

    /// <inheritdoc cref="DatapathBridge.PacketOut"/>
    public void PacketOut(byte[] frame, PipelineFlow flow, EquatableList<OfAction> actions, long nowMs) => Main.PacketOut(frame, flow, actions, nowMs);

    internal unsafe void Run(FrozenState state, byte[] frame, PipelineFlow flow, long nowMs)
    {
        using ControlScope control = new(this);
        nowMs = Clock.Of(nowMs);
        PmdContext pmd = _pmds[0];
        OnOwner(pmd, () =>
        {
            Packet* p = frame.Length <= pmd.Pool.FrameCapacityBytes ? pmd.Pool.Rent() : null;
            if (p == null)
            {
                pmd.Thread.Stats.Dropped++;
                pmd.Thread.Stats.NotMade++;
                return 0;
            }

            pmd.Pool.Load(p, frame, flow.Key.InPort.Host);
            PacketMetadata.Restore(p, ref flow.Key);
            pmd.Thread.Run(p, state, pmd.Upcall, nowMs);
            return 0;
        });
    }

    private PacketIn? PacketInOf(in PacketInHeader header, byte[] frame)
    {
        DpUserspace told = header.Told;
        if (Recirc.Find(told.RecircId) is not { } state || BridgeOf(state.Bridge) is not { } bridge) return null;
        byte[]? continuation = told.Continues ? _continuations.Keep(told.RecircId) : null;
        if (told.Continues && continuation is null) return null;
        PipelineFlow flow = default;
        flow.Key = header.Key;
        flow.Key.RecircId = default;
        if (!state.Conntracked) ClearConntrack(ref flow);
        state.Lanes.Restore(ref flow);
        return new PacketIn
        {
            Bridge = bridge,
            Frame = frame,
            Reason = told.PacketInReason,
            Table = state.Table,
            Cookie = told.Cookie,
            ControllerId = told.ControllerId,
            MaxLengthBytes = told.MaxLengthBytes,
            UserData = state.UserData,
            Flow = flow,
            Continuation = continuation,
            EventIndex = header.EventIndex,
        };
    }

    private static void ClearConntrack(ref PipelineFlow flow)
    {
        (flow.Key.CtState, flow.Key.CtZone, flow.Key.CtMark) = (CtState.None, default, default);
        PipelineFlow.Lane(ref flow, Lanes.Ct) = PipelineFlow.Lane(ref flow, Lanes.CtIpv6) = Vector256<byte>.Zero;
    }
}
