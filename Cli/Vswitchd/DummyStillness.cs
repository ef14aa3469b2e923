using Mergeflow.Control;
using Mergeflow.Control.Bridges;

namespace Mergeflow.Cli;

/// <summary>Waits until what was handed over to ports without devices has gone its way: through packet threads, patches to other bridges, up to control, and into what is written of it.</summary>
internal static class DummyStillness
{
    /// <summary>A loop of bridges is never still.</summary>
    private const int MostRounds = 1000;

    /// <summary>Control may have to do with something else first.</summary>
    private static readonly TimeSpan s_longestTelling = TimeSpan.FromSeconds(30);

    /// <summary>Returns when nothing is on its way any more.</summary>
    public static void Wait(Vswitchd vswitchd, DummyWire wire)
    {
        LiveBridge[] bridges = vswitchd.Locked(() => BridgeCommands.All(vswitchd).ToArray());
        ManualDatapath[] manual = vswitchd.Locked(() => vswitchd.Manual?.All.ToArray() ?? []);
        int stillRounds = 0;
        for (int round = 0; round < MostRounds && stillRounds < 2; round++)
        {
            bool isStill = true;
            foreach (LiveBridge bridge in bridges)
            {
                if (!bridge.IsIdle) isStill = false;
            }

            if (!Array.TrueForAll(manual, static m => m.IsIdle)) isStill = false;

            // The batch that has emptied a queue may be under way.
            foreach (LiveBridge bridge in bridges) bridge.EndBatches();
            foreach (ManualDatapath datapath in manual) datapath.EndBatches();
            isStill &= !wire.Drain();

            // Multicast snooping and controllers see packets behind the batch: what they have seen decides where the next one goes.
            if (!SpinWait.SpinUntil(() => Array.TrueForAll(bridges, static b => b.Datapath.IsToldAll), s_longestTelling)) throw new UnixctlException("control has not taken what packets have told it");
            stillRounds = isStill ? stillRounds + 1 : 0;
        }
    }
}
