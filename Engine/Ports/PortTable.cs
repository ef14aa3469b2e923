using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Mergeflow.Native;

namespace Mergeflow.Engine.Ports;

/// <summary>Per-port state and counters of one PMD, indexed by port number 0..65535.</summary>
public sealed unsafe partial class PortTable : IDisposable
{
    private const int PortCount = 1 << 16;
    private readonly PinnedBlock _block;
    private readonly PortHot* _ports;

    public PortTable()
    {
        _block = PinnedMemory.Allocate((nuint)PortCount * (nuint)sizeof(PortHot), 64, wantHugePages: false);
        _ports = (PortHot*)_block.Pointer;
    }

    /// <summary>Record of a port; <paramref name="number"/> must be below 65536.</summary>
    public PortHot* this[uint number]
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => _ports + (ushort)number;
    }

    /// <summary>Makes a port exist or not.</summary>
    public void SetExists(uint number, bool exists) => _ports[(ushort)number].Exists = exists ? (byte)1 : (byte)0;

    /// <summary>Packets transmitted on a port so far, by software and by a device.</summary>
    public ulong TxPacketsOf(uint number) => this[number]->TxPackets;

    /// <inheritdoc/>
    public void Dispose() => _block.Dispose();

    /// <summary>Counters of one port.</summary>
    [StructLayout(LayoutKind.Sequential, Size = 64)]
    public struct PortHot
    {
        public ulong RxPackets;
        public ulong RxBytes;
        public ulong TxPackets;
        public ulong TxBytes;

        /// <summary>Packets that have come in by the port and were dropped.</summary>
        public ulong Dropped;
        public byte Exists;
    }
}
