namespace Mergeflow.Engine.Offload;

/// <summary>Why it is true that no packet uses what was revoked.</summary>
public enum Acknowledgement : byte
{
    /// <summary>The device confirmed, or has gates.</summary>
    Done,

    /// <summary>
    /// The device did not confirm. It is out of the path, software forwards everything; it comes back when its queue has carried out what was asked.
    /// </summary>
    DeviceSuspended,
}
