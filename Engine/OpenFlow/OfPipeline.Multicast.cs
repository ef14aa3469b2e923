namespace Mergeflow.Engine.OpenFlow;

/// <content>Multicast snooping: which ports want which groups.</content>
public sealed partial class OfPipeline
{
    private MulticastPlan? _multicastPlan;

    /// <summary>How multicast is snooped; null = it is not.</summary>
    public MulticastPlan? MulticastSettings => _snapshot.Multicast;

    /// <summary>Groups and routers that have been heard of.</summary>
    internal MulticastTable Multicast { get; }

    /// <summary>Turns snooping on with these settings, or off (null): then all that was learned is forgotten. False if it is so already.</summary>
    public bool SetMulticast(MulticastPlan? plan)
    {
        lock (_lock)
        {
            if (plan is null ? _multicastPlan is null : plan.IsSame(_multicastPlan)) return false;
            _multicastPlan = plan;
            Multicast.Configure(plan);
            Publish();
            return true;
        }
    }

    /// <summary>The ports of all groups, least recently asked for first.</summary>
    public IReadOnlyList<MulticastMember> MulticastMembers(long nowMs) => Multicast.Members(nowMs);

    /// <summary>The ports behind which routers are, least recently heard first.</summary>
    public IReadOnlyList<MulticastRouter> MulticastRouters(long nowMs) => Multicast.Routers(nowMs);

    /// <summary>Forgets groups and routers.</summary>
    internal void ForgetMulticast() => Multicast.Flush();

    /// <summary>A message about groups has come by a port; false if it is none, or broken.</summary>
    internal bool Snoop(ReadOnlySpan<byte> frame, ushort vid, uint port, long nowMs) => MulticastMessage.Apply(frame, Multicast, vid, port, nowMs);
}
