using Mergeflow.Engine.Actions;
using Mergeflow.Engine.Keys;
using Mergeflow.Engine.Offload;
using Mergeflow.Engine.OpenFlow;
using Mergeflow.Engine.Xlate;

namespace Mergeflow.Engine.Runtime;

/// <summary>
/// A bridge of a datapath (OVS <c>struct ofproto_dpif</c>): its tables, its ports, its learned addresses, and the packets that its rules send to control. Control operations, as those of <see cref="Datapath"/>.
/// </summary>
public sealed class DatapathBridge
{
    private readonly Datapath _datapath;

    internal DatapathBridge(Datapath datapath, OfPipeline pipeline)
    {
        (_datapath, Pipeline) = (datapath, pipeline);
        Ports = new DatapathPorts(datapath, pipeline);
    }

    /// <summary>Its tables.</summary>
    public OfPipeline Pipeline { get; }

    /// <summary>The datapath that it is in.</summary>
    public Datapath Datapath => _datapath;

    /// <summary>What happens to its ports.</summary>
    public DatapathPorts Ports { get; }

    /// <summary>Takes packets that its rules send to control; null = whoever takes those of the datapath does. By the thread that takes packets.</summary>
    public Action<PacketIn>? PacketInReceiver { get; set; }

    /// <summary>A sample that an action has taken, for a collector: the record and the packet; null = nobody collects. By the thread that takes packets.</summary>
    public Action<DpUserspace, byte[]>? Collector { get; set; }

    /// <summary>A BFD message that a port has got: its number and the frame; null = nobody listens. By the thread that takes packets.</summary>
    public Action<uint, byte[]>? BfdReceiver { get; set; }

    /// <summary>The same for LACP messages.</summary>
    public Action<uint, byte[]>? LacpReceiver { get; set; }

    /// <summary>
    /// Applies flow modifications, all or none; those that leave the tables as they were do nothing else. On return no megaflow contradicts
    /// the tables and no packet uses a merged rule that does. Packets are counted for the OpenFlow rules that handled them, read before the change
    /// or after it. The result says why no packet uses one: the device has confirmed, or it did not and is out of the path.
    /// </summary>
    /// <param name="mods">Parsed modifications.</param>
    /// <param name="nowMs">Time.</param>
    /// <param name="purge">Delete all megaflows instead of translating them again (OVS <c>revalidator/purge</c>).</param>
    public Acknowledgement ApplyFlowMods(IReadOnlyList<FlowMod> mods, long nowMs, bool purge = false)
    {
        using Datapath.ControlScope control = _datapath.BeginControl();
        nowMs = _datapath.Clock.Of(nowMs);
        return _datapath.Change(Pipeline, () => Pipeline.ApplyAll(mods, nowMs), nowMs, purge);
    }

    /// <summary>Applies flow modifications in order, each for itself, with the same promise (<see cref="OfPipeline.ApplyEach"/>).</summary>
    public Acknowledgement ApplyEach(IReadOnlyList<FlowMod> mods, long nowMs, List<FlowModException> refused)
    {
        using Datapath.ControlScope control = _datapath.BeginControl();
        nowMs = _datapath.Clock.Of(nowMs);
        return _datapath.Change(Pipeline, () => Pipeline.ApplyEach(mods, nowMs, refused), nowMs, purge: false);
    }

    /// <summary>Applies flow and group modifications in order, all or none, with the same promise (<see cref="OfPipeline.ApplyChanges"/>).</summary>
    public Acknowledgement ApplyChanges(IReadOnlyList<object> changes, long nowMs)
    {
        using Datapath.ControlScope control = _datapath.BeginControl();
        nowMs = _datapath.Clock.Of(nowMs);
        return _datapath.Change(Pipeline, () => Pipeline.ApplyChanges(changes, nowMs), nowMs, purge: false);
    }

    /// <summary>Applies a group modification, with the same promise.</summary>
    public Acknowledgement ApplyGroupMod(GroupMod mod, long nowMs, bool purge = false)
    {
        using Datapath.ControlScope control = _datapath.BeginControl();
        nowMs = _datapath.Clock.Of(nowMs);
        return _datapath.Change(
            Pipeline,
            () =>
            {
                Pipeline.ApplyGroup(mod);
                return true;
            },
            nowMs,
            purge);
    }

    /// <summary>
    /// Applies a meter modification. The rules that begin with a deleted meter are gone on return, and with them whatever was made of them; a meter
    /// that is modified begins anew, with full buckets.
    /// </summary>
    /// <param name="mod">Parsed modification.</param>
    /// <param name="nowMs">Time.</param>
    /// <param name="purge">As in <see cref="ApplyFlowMods"/>.</param>
    public Acknowledgement ApplyMeterMod(MeterMod mod, long nowMs, bool purge = false) => ApplyMeterMods([mod], nowMs, purge);

    /// <summary>Applies meter modifications in order, all or none, each as <see cref="ApplyMeterMod"/>.</summary>
    public Acknowledgement ApplyMeterMods(IReadOnlyList<MeterMod> mods, long nowMs, bool purge = false)
    {
        using Datapath.ControlScope control = _datapath.BeginControl();
        nowMs = _datapath.Clock.Of(nowMs);
        _datapath.Note(
            Pipeline,
            () =>
            {
                Pipeline.ApplyMeters(mods, nowMs);
                return true;
            },
            nowMs);
        Acknowledgement acknowledgement = purge ? _datapath.Reconcile(nowMs, purge) : _datapath.CatchUp(nowMs) ?? Acknowledgement.Done;
        Pipeline.ReleaseMeters();
        return acknowledgement;
    }

    /// <summary>Forgets all addresses that <c>normal</c> has learned (OVS <c>fdb/flush</c>). On return no megaflow goes by one.</summary>
    public void ForgetLearned(long nowMs)
    {
        using Datapath.ControlScope control = _datapath.BeginControl();
        Pipeline.ForgetLearned();
        _datapath.RevalidateIfLearned(_datapath.Clock.Of(nowMs));
    }

    /// <summary>Sets the port behind an address, for good (OVS <c>fdb/add</c>); false if the table is full of such.</summary>
    /// <param name="key">Which address.</param>
    /// <param name="port">OpenFlow number.</param>
    /// <param name="nowMs">Time.</param>
    /// <param name="before">The port that was behind it, and whether that was set; null = none.</param>
    public bool SetStaticAddress(MacKey key, uint port, long nowMs, out (uint Port, bool IsStatic)? before)
    {
        using Datapath.ControlScope control = _datapath.BeginControl();
        nowMs = _datapath.Clock.Of(nowMs);
        bool isSet = Pipeline.SetStaticAddress(key, port, nowMs, out before);
        _datapath.RevalidateIfLearned(nowMs);
        return isSet;
    }

    /// <summary>Takes an address away that was set (OVS <c>fdb/del</c>); false if there is none.</summary>
    public bool RemoveStaticAddress(MacKey key, long nowMs)
    {
        using Datapath.ControlScope control = _datapath.BeginControl();
        bool isGone = Pipeline.RemoveStaticAddress(key);
        _datapath.RevalidateIfLearned(_datapath.Clock.Of(nowMs));
        return isGone;
    }

    /// <summary>Forgets multicast groups and routers (OVS <c>mdb/flush</c>).</summary>
    public void ForgetMulticast(long nowMs)
    {
        using Datapath.ControlScope control = _datapath.BeginControl();
        Pipeline.ForgetMulticast();
        _datapath.RevalidateIfLearned(_datapath.Clock.Of(nowMs));
    }

    /// <summary>Forgets some addresses.</summary>
    public void Forget(IEnumerable<MacKey> addresses, long nowMs)
    {
        using Datapath.ControlScope control = _datapath.BeginControl();
        foreach (MacKey key in addresses) Pipeline.ForgetAddress(key);
        _datapath.RevalidateIfLearned(_datapath.Clock.Of(nowMs));
    }

    /// <summary>Which Geneve option is behind <c>tun_metadata0</c>; the default value = none. With the promise of <see cref="ApplyFlowMods"/>.</summary>
    public Acknowledgement SetOption(GeneveOption option, long nowMs)
    {
        using Datapath.ControlScope control = _datapath.BeginControl();
        nowMs = _datapath.Clock.Of(nowMs);
        Pipeline.SetOption(option);
        return _datapath.Reconcile(nowMs, purge: false);
    }

    /// <summary>What becomes of packets that no rule decides about. With the promise of <see cref="ApplyFlowMods"/>.</summary>
    public Acknowledgement SetTreatment(PacketTreatment treatment, long nowMs)
    {
        using Datapath.ControlScope control = _datapath.BeginControl();
        return Pipeline.SetTreatment(treatment) ? _datapath.Reconcile(_datapath.Clock.Of(nowMs), purge: false) : Acknowledgement.Done;
    }

    /// <summary>Looks whether actions fit a packet that control gives (OVS <c>ofproto_packet_out_init</c>).</summary>
    /// <exception cref="FlowModException">They do not.</exception>
    public void CheckPacketOut(ReadOnlySpan<byte> frame, PipelineFlow metadata, EquatableList<OfAction> actions, bool isOf10)
    {
        if (!OfPipeline.NeedsPacket(actions)) return;
        Match packet = default;
        packet.Value = FrameFlow.Of(frame, metadata, _datapath.Options.VlanLimit);
        OfPipeline.CheckPacketOut(actions, ref packet, isOf10);
    }

    /// <summary>The same for a packet of which all is known, and for groups and meters.</summary>
    /// <exception cref="FlowModException">They do not.</exception>
    public void CheckPacketOut(PipelineFlow flow, EquatableList<OfAction> actions, bool isOf10)
    {
        Match packet = default;
        packet.Value = flow;
        OfPipeline.CheckPacketOut(actions, ref packet, isOf10);
        Pipeline.CheckPacketOut(actions);
    }

    /// <summary>Actions for a packet that control gives (OpenFlow <c>OFPT_PACKET_OUT</c>).</summary>
    /// <param name="frame">The packet.</param>
    /// <param name="flow">Metadata, above all <c>in_port</c>.</param>
    /// <param name="actions">What to do with it; as in a rule of table 0.</param>
    /// <param name="nowMs">Time.</param>
    /// <exception cref="FlowModException">The actions are refused.</exception>
    public void PacketOut(byte[] frame, PipelineFlow flow, EquatableList<OfAction> actions, long nowMs)
    {
        Pipeline.CheckPacketOut(actions);
        _datapath.Run(new FrozenState
        {
            Bridge = Pipeline,
            IsResumed = true,
            IsPacketOut = true,
            Table = 0,
            Conntracked = false,
            WasMpls = false,
            HasDpHash = false,
            Lanes = FrozenLanes.Of(ref flow),
            Stack = [],
            ActionSet = [],

            // No rule's cookie (OVS <c>rule_cookie</c> of a packet-out).
            Ops = [XlateOp.UnrollTo(0, ulong.MaxValue), .. XlateCompiler.Compile(actions)],
        }, frame, flow, nowMs);
    }
}
