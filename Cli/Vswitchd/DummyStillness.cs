using Mergeflow.Control.Bridges;

namespace Mergeflow.Cli;

/// <summary>Waits until what was handed over to ports without devices has gone its way: through packet threads, patches to other bridges, and into what is written of it.</summary>
internal static class DummyStillness
{
    /// <summary>A loop of bridges is never still.</summary>
    private const int MostRounds = 1000;

    /// <summary>Returns when nothing is on its way any more.</summary>
    public static void Wait(Vswitchd vswitchd, DummyWire wire)
    {
        LiveBridge[] bridges = vswitchd.Locked(() => BridgeCommands.All(vswitchd).ToArray());
        int stillRounds = 0;
        for (int round = 0; round < MostRounds && stillRounds < 2; round++)
        {
            bool isStill = true;
            foreach (LiveBridge bridge in bridges)
            {
                if (!bridge.IsIdle) isStill = false;
            }

            // The batch that has emptied a queue may be under way.
            foreach (LiveBridge bridge in bridges) bridge.EndBatches();
            isStill &= !wire.Drain();
            stillRounds = isStill ? stillRounds + 1 : 0;
        }
    }
}
