/* The Fortran symbols of BLAS, LAPACK, BLACS and ScaLAPACK that comm calls. Arguments
 * are pointers, matrices column-major; the size_t at the end are the lengths of the text
 * arguments, as gfortran passes them. */
#ifndef RG_COMM_LAPACK_H
#define RG_COMM_LAPACK_H

#include <mpi.h>
#include <stddef.h>

/* BLAS and LAPACK, local */
void dgemm_(const char *transa, const char *transb, const int *m, const int *n,
            const int *k, const double *alpha, const double *a, const int *lda,
            const double *b, const int *ldb, const double *beta, double *c,
            const int *ldc, size_t, size_t);
void dgelqf_(const int *m, const int *n, double *a, const int *lda, double *tau,
             double *work, const int *lwork, int *info);
void dorglq_(const int *m, const int *n, const int *k, double *a, const int *lda,
             const double *tau, double *work, const int *lwork, int *info);
void dsyevd_(const char *jobz, const char *uplo, const int *n, double *a, const int *lda,
             double *w, double *work, const int *lwork, int *iwork, const int *liwork,
             int *info, size_t, size_t);
void dgesdd_(const char *jobz, const int *m, const int *n, double *a, const int *lda,
             double *s, double *u, const int *ldu, double *vt, const int *ldvt,
             double *work, const int *lwork, int *iwork, int *info, size_t);
void dposv_(const char *uplo, const int *n, const int *nrhs, double *a, const int *lda,
            double *b, const int *ldb, int *info, size_t);

/* BLACS: process grids on an MPI communicator */
int Csys2blacs_handle(MPI_Comm comm);
void Cfree_blacs_system_handle(int handle);
void Cblacs_gridinit(int *context, const char *order, int rows, int cols);
void Cblacs_gridinfo(int context, int *rows, int *cols, int *row, int *col);
void Cblacs_gridexit(int context);
void Cblacs_exit(int keep_mpi);

/* PBLAS: the way broadcasts and sums travel; kept for the process, not for a context */
void pb_topset_(const int *context, const char *operation, const char *scope,
                const char *topology, size_t, size_t, size_t);

/* ScaLAPACK: block-cyclic matrices with descriptors of 9 ints, indices from 1 */
int numroc_(const int *n, const int *block, const int *mine, const int *source,
            const int *processes);
void descinit_(int *desc, const int *m, const int *n, const int *mb, const int *nb,
               const int *source_row, const int *source_col, const int *context,
               const int *lld, int *info);
void pdgeqrf_(const int *m, const int *n, double *a, const int *ia, const int *ja,
              const int *desca, double *tau, double *work, const int *lwork, int *info);
void pdorgqr_(const int *m, const int *n, const int *k, double *a, const int *ia,
              const int *ja, const int *desca, const double *tau, double *work,
              const int *lwork, int *info);
void pdsyevd_(const char *jobz, const char *uplo, const int *n, double *a, const int *ia,
              const int *ja, const int *desca, double *w, double *z, const int *iz,
              const int *jz, const int *descz, double *work, const int *lwork,
              int *iwork, const int *liwork, int *info, size_t, size_t);
void pdgesvd_(const char *jobu, const char *jobvt, const int *m, const int *n, double *a,
              const int *ia, const int *ja, const int *desca, double *s, double *u,
              const int *iu, const int *ju, const int *descu, double *vt, const int *ivt,
              const int *jvt, const int *descvt, double *work, const int *lwork,
              int *info, size_t, size_t);
void pdposv_(const char *uplo, const int *n, const int *nrhs, double *a, const int *ia,
             const int *ja, const int *desca, double *b, const int *ib, const int *jb,
             const int *descb, int *info, size_t);

#endif
