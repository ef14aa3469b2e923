using Mergeflow.Engine.Offload;

namespace Mergeflow.Engine.Runtime;

/// <remarks>What only tests look at.</remarks>
public sealed unsafe partial class Simulator
{
    /// <summary>Translates every megaflow again, as after a change of the tables.</summary>
    public Acknowledgement Revalidate()
    {
        BeforeChange();
        return AfterChange(Datapath.Reconcile(NowMs, purge: false));
    }
}
