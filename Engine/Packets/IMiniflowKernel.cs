namespace Mergeflow.Engine.Packets;

/// <summary>A way to parse a frame into its packet's key. All kernels write the same key, lanes and offsets.</summary>
public unsafe interface IMiniflowKernel
{
    /// <summary>Parses <paramref name="packet"/>'s frame: header fields, lanes, offsets; metadata is kept.</summary>
    static abstract void Parse(Packet* packet);
}
