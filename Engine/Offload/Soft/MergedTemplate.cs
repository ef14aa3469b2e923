using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Mergeflow.Engine.Offload;

/// <summary>One mask of a <see cref="MergedFlowTable"/>; rules that share it are found with one hash.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct MergedTemplate
{
    /// <summary>Masks of lanes 0 and 1.</summary>
    public Vector256<byte> Mask0;
    public Vector256<byte> Mask1;

    /// <summary>Masks of the lanes in <see cref="WideLanes"/>, in lane order.</summary>
    public Vector256<byte>* Wide;

    /// <summary>Lanes behind lane 1 that have a mask.</summary>
    public uint WideLanes;

    public int WideCount;

    /// <summary>Rules under this mask; 0 = the template is free.</summary>
    public int RuleCount;
}
