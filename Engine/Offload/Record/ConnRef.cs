using System.Runtime.InteropServices;

namespace Mergeflow.Engine.Offload;

/// <summary>A connection in one of its states.</summary>
[StructLayout(LayoutKind.Sequential, Size = 8)]
public struct ConnRef
{
    public int ConnId;
    public uint Generation;
}
