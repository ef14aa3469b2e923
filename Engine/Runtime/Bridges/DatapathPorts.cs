using Mergeflow.Engine.Offload;
using Mergeflow.Engine.OpenFlow;

namespace Mergeflow.Engine.Runtime;

/// <summary>
/// What happens to the ports of a bridge: they come and go, their links, their VLANs, where their tunnels lead. Control operations, as those of
/// <see cref="Datapath"/>, with the same promise.
/// </summary>
public sealed class DatapathPorts
{
    private readonly Datapath _datapath;
    private readonly OfPipeline _pipeline;

    internal DatapathPorts(Datapath datapath, OfPipeline pipeline) => (_datapath, _pipeline) = (datapath, pipeline);

    /// <summary>
    /// A port's link goes down or comes back: packets to it are lost while it is down, fast failover groups and select groups take their next live
    /// bucket. On return no megaflow goes by what the port was before, and no packet uses a merged rule that does, sends to the port or takes its
    /// packets.
    /// </summary>
    public Acknowledgement SetLink(uint port, bool isUp, long nowMs)
    {
        using Datapath.ControlScope control = _datapath.BeginControl();
        nowMs = _datapath.Clock.Of(nowMs);
        uint? known = NumberOf(port);
        _datapath.Note(
            _pipeline,
            () =>
            {
                SetExists(known, isUp);
                _pipeline.SetPortLive(port, isUp);
                return true;
            },
            ns => new PortChange(ns, port, isUp ? PortNews.Up : PortNews.Down),
            nowMs);
        if (known is { } number)
        {
            // Software looks whether the port is there when it sends, also by a rule that is made while it is not; the kernel has to be told.
            _datapath.Kernel?.SetLink(number, isUp);
            _datapath.Offload?.OnPortRemoved(number);
        }

        return _datapath.CatchUp(nowMs) ?? _datapath.Acknowledge(nowMs);
    }

    /// <summary>A port appears, up. On return packets go there.</summary>
    /// <param name="port">What the pipeline knows of it.</param>
    /// <param name="queues">Its receive queues.</param>
    /// <param name="nowMs">The time.</param>
    /// <param name="pmd">The packet thread that gets them, or <see cref="QueueAssignment.Nobody"/>; null = packet threads in turn.</param>
    /// <exception cref="ArgumentException">There is a port of that number.</exception>
    public Acknowledgement Add(PipelinePort port, int queues, long nowMs, int? pmd = null)
    {
        using Datapath.ControlScope control = _datapath.BeginControl();
        nowMs = _datapath.Clock.Of(nowMs);
        uint? number = null;
        bool isNew = _datapath.Note(
            _pipeline,
            () =>
            {
                if (!_pipeline.AddPort(port)) return false;
                number = NumberOf(port.Number);
                SetExists(number, true);
                return true;
            },
            ns => new PortChange(ns, port.Number, PortNews.Come),
            nowMs);
        if (!isNew) throw new ArgumentException($"there is a port {port.Number}", nameof(port));
        if (number is { } polled) _datapath.Queues.Add(polled, queues, pmd);
        return _datapath.Reconcile(nowMs, purge: false);
    }

    /// <summary>Sets the VLANs that <c>normal</c> knows a port by. On return no packet goes by what it was before.</summary>
    public Acknowledgement SetVlan(uint port, PortVlan vlan, long nowMs) => Change(p => p.SetPortVlan(port, vlan), nowMs);

    /// <summary>Says what IP packets are marked with that leave by a queue of a port.</summary>
    public Acknowledgement SetQueueDscps(uint port, EquatableList<QueueDscp> dscps, long nowMs) => Change(p => p.SetQueueDscps(port, dscps), nowMs);

    /// <summary>Sets what ports have together: bonds, mirrors, VLANs without learning. On return no packet goes by what it was before.</summary>
    public Acknowledgement SetForwarding(ForwardingPlan plan, long nowMs)
    {
        using Datapath.ControlScope control = _datapath.BeginControl();
        _pipeline.SetForwarding(plan);
        return _datapath.Reconcile(_datapath.Clock.Of(nowMs), purge: false);
    }

    /// <summary>Turns multicast snooping on with these settings, or off (null). On return no packet goes by what it was before.</summary>
    public Acknowledgement SetMulticast(MulticastPlan? plan, long nowMs) => Change(p => p.SetMulticast(plan), nowMs);

    /// <summary>The way of a tunnel port is another one, or there is none for now. On return no packet takes the old one.</summary>
    public Acknowledgement SetTunnel(uint port, TunnelPort? tunnel, long nowMs) => Change(p => p.SetTunnel(port, tunnel), nowMs);

    /// <summary>What tunnels know of the network below is new. On return no packet goes by what it was before.</summary>
    public Acknowledgement SetUnderlay(TunnelUnderlay underlay, long nowMs) => Change(p => p.SetUnderlay(underlay), nowMs);

    /// <summary>A port has a BFD session, another one, or none any more (null). On return its messages go to <see cref="Datapath.BfdReceiver"/>.</summary>
    public Acknowledgement SetBfd(uint port, BfdMatch? match, long nowMs) => Change(p => p.SetBfd(port, match), nowMs);

    /// <summary>A port's BFD session says whether it may be used. On return no packet goes by what it said before.</summary>
    public Acknowledgement SetBfdLive(uint port, bool isLive, long nowMs) => Change(p => p.SetBfdLive(port, isLive), nowMs);

    /// <summary>A port's packets are software's from now on. On return no merged rule in the kernel takes them or sends there.</summary>
    internal void LeaveKernel(uint port, long nowMs)
    {
        using Datapath.ControlScope control = _datapath.BeginControl();
        _datapath.Offload?.OnPortRemoved(port);
        _datapath.Acknowledge(_datapath.Clock.Of(nowMs));
    }

    /// <summary>A port appears that the pipeline does not know: it leads to another datapath.</summary>
    internal void AddHidden(uint port, int queues, long nowMs, int? pmd)
    {
        using Datapath.ControlScope control = _datapath.BeginControl();
        _datapath.Queues.Add(port, queues, pmd);
        foreach (PmdContext thread in _datapath.Pmds) thread.Ports.SetExists(port, true);
    }

    /// <summary>A port of that kind goes. On return no packet uses a merged rule that sends there.</summary>
    internal void RemoveHidden(uint port, long nowMs)
    {
        using Datapath.ControlScope control = _datapath.BeginControl();
        foreach (PmdContext pmd in _datapath.Pmds) pmd.Ports.SetExists(port, false);
        _datapath.Offload?.OnPortRemoved(port);
        _datapath.Acknowledge(_datapath.Clock.Of(nowMs));
    }

    /// <summary>A port goes, and what was learned of it. On return no packet is sent there, and no packet uses a merged rule that does. False if there is none.</summary>
    public bool Remove(uint port, long nowMs)
    {
        using Datapath.ControlScope control = _datapath.BeginControl();
        nowMs = _datapath.Clock.Of(nowMs);
        uint? number = NumberOf(port);
        bool wasThere = _datapath.Note(
            _pipeline,
            () =>
            {
                SetExists(number, false);
                return _pipeline.RemovePort(port);
            },
            ns => new PortChange(ns, port, PortNews.Gone),
            nowMs);
        if (!wasThere) return false;
        if (number is { } removed) _datapath.Offload?.OnPortRemoved(removed);
        _datapath.Reconcile(nowMs, purge: false);
        return true;
    }

    /// <summary>The number of a port in the datapath; null = it is none of the datapath, or others there have it too.</summary>
    private uint? NumberOf(uint port)
    {
        if (!_pipeline.Snapshot.Ports.TryGetValue(port, out PipelinePort? known)) return port;
        if (known.PeerName is not null) return null;
        return known is { Tunnel: not null, InDatapath: { } shared } && IsShared(known, shared) ? null : known.DatapathNumber;
    }

    private void SetExists(uint? number, bool exists)
    {
        if (number is not { } port) return;
        foreach (PmdContext pmd in _datapath.Pmds) pmd.Ports.SetExists(port, exists);
    }

    private bool IsShared(PipelinePort port, uint number)
    {
        foreach (OfPipeline bridge in _pipeline.Backer.Pipelines)
        {
            foreach (PipelinePort other in bridge.Snapshot.PortList)
            {
                if ((bridge != _pipeline || other.Number != port.Number) && other.Tunnel is not null && other.InDatapath == number) return true;
            }
        }

        return false;
    }

    /// <summary>Leaves a port out of <c>flood</c>, or takes it in again (OpenFlow <c>OFPPC_NO_FLOOD</c>), with the promise of <see cref="Datapath.ApplyFlowMods"/>.</summary>
    public Acknowledgement SetFloods(uint port, bool floods, long nowMs) => Change(p => p.SetPortFloods(port, floods), nowMs);

    /// <summary>Keeps packets from a port, or lets them go there again (OpenFlow <c>OFPPC_NO_FWD</c>), with the promise of <see cref="Datapath.ApplyFlowMods"/>.</summary>
    public Acknowledgement SetForwards(uint port, bool forwards, long nowMs) => Change(p => p.SetPortForwards(port, forwards), nowMs);

    /// <summary>Changes what the pipeline knows of a port; megaflows follow if that is new.</summary>
    private Acknowledgement Change(Func<OfPipeline, bool> change, long nowMs)
    {
        using Datapath.ControlScope control = _datapath.BeginControl();
        nowMs = _datapath.Clock.Of(nowMs);
        return change(_pipeline) ? _datapath.Reconcile(nowMs, purge: false) : Acknowledgement.Done;
    }
}
