namespace Mergeflow.Engine.Upcall;

/// <summary>What became of a megaflow that was to be put in.</summary>
public enum MegaflowPutResult : byte
{
    /// <summary>It is there.</summary>
    Done,

    /// <summary>The key finds one, which was not to be modified (<c>EEXIST</c>).</summary>
    Exists,

    /// <summary>The key finds none, and none was to be made (<c>ENOENT</c>).</summary>
    NotThere,

    /// <summary>There is no room for another one (<c>EFBIG</c>).</summary>
    Full,
}
