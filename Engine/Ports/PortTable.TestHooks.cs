using Mergeflow.Engine.Ledger;

namespace Mergeflow.Engine.Ports;

/// <remarks>What only tests look at.</remarks>
public sealed unsafe partial class PortTable
{
    /// <summary>Packets and bytes transmitted on a port so far, by software and by a device.</summary>
    public BookTotals CountersOf(uint number) => new(this[number]->TxPackets, this[number]->TxBytes);
}
