namespace Mergeflow.Engine.OpenFlow;

/// <content>What ports have together: bonds, mirrors.</content>
public sealed partial class OfPipeline
{
    private ForwardingPlan _forwarding = ForwardingPlan.Plain;

    /// <summary>What ports have together.</summary>
    public ForwardingPlan Forwarding => _forwarding;

    /// <summary>Sets what ports have together. What was learned of ports that have become, or been, members of something is forgotten.</summary>
    public void SetForwarding(ForwardingPlan plan)
    {
        lock (_lock)
        {
            ForwardingPlan before = _forwarding;
            _forwarding = plan;
            foreach (uint port in before.Bundles.Keys.Union(plan.Bundles.Keys))
            {
                if (before.RepresentativeOf(port) == plan.RepresentativeOf(port) && before.IsMirrorOutput(port) == plan.IsMirrorOutput(port)) continue;
                Macs.Forget(port);
                Multicast.Forget(port);
            }

            Publish();
        }
    }
}
