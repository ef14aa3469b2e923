namespace Mergeflow.Native;

/// <summary>What a reader found where it stands.</summary>
internal enum CaptureStep
{
    /// <summary>A whole frame record.</summary>
    Frame,

    /// <summary>The end of the file, right behind a whole record.</summary>
    End,

    /// <summary>A record that the end of the file cuts.</summary>
    Cut,
}
