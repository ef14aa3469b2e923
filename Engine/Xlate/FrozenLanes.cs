using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Mergeflow.Engine.Xlate;

/// <summary>Metadata that survives recirculation in the frozen state: registers, metadata, in_port (OVS <c>struct frozen_metadata</c>), and the tunnel fields that actions wrote.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct FrozenLanes
{
    public Vector256<byte> Regs0;
    public Vector256<byte> Regs1;
    public Vector256<byte> Metadata;
    public Vector256<byte> Tunnel0;
    public Vector256<byte> Tunnel1;

    /// <summary>Bits of the tunnel lanes that are constants; the others come from the packet.</summary>
    public Vector256<byte> TunnelMask0;
    public Vector256<byte> TunnelMask1;

    /// <summary>in_port as it stands in the key, padded with zero to a lane, so that states compare as bytes.</summary>
    public Vector256<ulong> InPort;
}
